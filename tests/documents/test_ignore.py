from __future__ import annotations

import json

import pytest
from format_properties import texts

from srllm_cli.documents import passages


@pytest.mark.parametrize(
    ("format", "comment"),
    [
        ("markdown", "<!-- {} -->"),
        ("markdown", "% {}"),
        ("mdx", "{{/* {} */}}"),
        ("rst", ".. {}"),
        ("html", "<!-- {} -->"),
        ("python", "# {}"),
        ("javascript", "// {}"),
        ("c", "/* {} */"),
        ("yaml", "# {}"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_directives_keep_regions_and_passages(format: str, comment: str, line_end: str) -> None:
    mark = comment.split("{}")[0].strip() if format in ("python", "javascript", "yaml") else ""
    closing = " */" if format == "c" else "</p>" if format == "html" else ""
    opening = {"c": "/* ", "html": "<p>"}.get(format, f"{mark} " if mark else "")
    paragraphs = [f"{opening}{word} man{closing}" for word in ("One", "Two", "Three", "Four", "Five")]
    off, on, ignore = (comment.replace("{}", f"srllm: {word}") for word in ("off", "on", "ignore"))
    off, on, ignore = (text.replace("{{", "{").replace("}}", "}") for text in (off, on, ignore))
    one, two, three, four, five = paragraphs
    source = (2 * line_end).join([one, off, two, three, on, four, ignore, five, ""])
    assert texts(passages(source, format, comments=True)) == ["One man", "Four man"]


def test_a_region_that_is_not_ended_goes_to_the_end() -> None:
    assert texts(passages("One man\n\n<!-- srllm: off -->\n\nTwo\n\nThree\n", "markdown")) == ["One man"]


def test_ignore_within_a_passage_keeps_that_one() -> None:
    assert texts(passages("One man <!-- srllm: ignore -->\n\nTwo men\n", "markdown")) == ["Two men"]
    assert texts(passages("x = 1\ny = 2  # One man\n# srllm: ignore\n# Two men\n", "python", comments=True)) == [
        "One man"
    ]


def test_a_directive_that_is_shown_in_code_is_none() -> None:
    fence = "```html\n<!-- srllm: off -->\n```\n\nOne man\n"
    assert texts(passages(fence, "markdown")) == ["One man"]
    assert texts(passages("Write `<!-- srllm: off -->`.\n\nOne man\n", "markdown"))[-1] == "One man"


def test_a_notebook_keeps_what_its_cells_say() -> None:
    cell = {
        "cell_type": "markdown",
        "metadata": {},
        "source": ["<!-- srllm: ignore -->\n", "\n", "One man\n", "\n", "Two"],
    }
    source = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    assert texts(passages(source, "notebook")) == ["Two"]


def test_a_catalogue_keeps_an_entry() -> None:
    source = 'msgid ""\nmsgstr ""\n\n# srllm: ignore\nmsgid "a"\nmsgstr "One man"\n\nmsgid "b"\nmsgstr "Two"\n'
    assert texts(passages(source, "po")) == ["Two"]
