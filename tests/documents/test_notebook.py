from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from data_fragments import WRITING, json_text
from document_fragments import DOCUMENTS
from format_properties import (
    WORDS,
    check_any_edit,
    check_every_word,
    check_invariants,
    check_nothing_changes,
    ordinary,
    texts,
)
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.debias.types import Edit
from srllm_cli.documents.apply import apply_edits, map_edits, source_edits
from srllm_cli.documents.notebook import notebook_passages
from srllm_cli.errors import InputError


def cell(kind: str, source: str, listed: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "metadata": {"source": "the man"}}
    made["source"] = source.splitlines(keepends=True) if listed else source
    if kind == "code":
        made |= {"execution_count": 1, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["the man"]}]}
    return made


def notebook(cells: list[dict[str, Any]]) -> dict[str, Any]:
    return {"cells": cells, "metadata": {"title": "the man"}, "nbformat": 4, "nbformat_minor": 4}


_CELLS = st.lists(
    st.builds(cell, st.sampled_from(["markdown", "markdown", "code", "raw"]), DOCUMENTS, st.booleans()), max_size=3
)
NOTEBOOKS = st.tuples(_CELLS, WRITING).map(lambda drawn: json_text(notebook(drawn[0]), *drawn[1]) + "\n")


@ordinary
@given(source=NOTEBOOKS)
def test_edits_that_change_nothing_leave_the_document_identical(source: str) -> None:
    found = notebook_passages(source)
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(source=NOTEBOOKS, make=WORDS)
def test_rewriting_every_word_keeps_the_structure(source: str, make: str) -> None:
    check_every_word(source, "notebook", notebook_passages(source), make)


@ordinary
@given(source=NOTEBOOKS, data=st.data())
def test_any_edit_is_refused_or_keeps_the_structure(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "notebook", notebook_passages(source), data)


def test_an_insertion_never_leaves_its_passage() -> None:
    source = json_text(notebook([cell("markdown", "chairman\r\rchairman", True)]), False, None, "\n") + "\n"
    for passage in notebook_passages(source):
        for made in map_edits(passage, source, [Edit(0, 0, "person")]):
            assert all(passage.source_start <= edit.start <= edit.end <= passage.source_end for edit in made or [])


def test_only_markdown_cells_are_read() -> None:
    cells = [cell("markdown", "The man", True), cell("code", "# The man", True), cell("raw", "The man", True)]
    assert texts(notebook_passages(json.dumps(notebook(cells)))) == ["The man"]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_rewritten_notebook_is_valid_and_differs_in_its_words_only(listed: bool, ascii_only: bool) -> None:
    words = 'The *"café"\nchairman*\tsaid\n\n- a\n- one man\n'
    source = json.dumps(notebook([cell("markdown", words, listed)]), indent=1, ensure_ascii=ascii_only)
    passage = notebook_passages(source)[0]
    at = passage.text.index("chairman")
    after = apply_edits(source, source_edits(passage, source, Edit(at, at + 8, 'the "née" chair')) or [])
    assert after.isascii() == ascii_only
    nbformat.validate(nbformat.reads(after, as_version=4))
    said = "".join(json.loads(after)["cells"][0]["source"])
    assert said == words.replace("chairman", 'the "née" chair')
    assert len(after.splitlines()) == len(source.splitlines())


@pytest.mark.parametrize("source", ["{", "[]", "{}", '"cells"', ""])
def test_what_is_no_notebook_is_refused(source: str) -> None:
    with pytest.raises(InputError):
        notebook_passages(source)
