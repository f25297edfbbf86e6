"""Passages of a Jupyter notebook: the Markdown of its Markdown cells, by position in the JSON.

Code cells, raw cells, outputs and metadata are never read. A cell's source is one string or a list of them; either way
the cell is one Markdown document, seen through a view of its strings.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Any

from srllm_cli.debias.types import Passage
from srllm_cli.documents.json_strings import JsonString, Path, json_strings, load_json, string_view
from srllm_cli.documents.markdown import markdown_passages
from srllm_cli.errors import InputError

_MARKDOWN_CELLS = ("markdown", "heading")


def notebook_passages(text: str) -> list[Passage]:
    """Find the prose of a notebook.

    Args:
        text: The notebook's JSON.

    Returns:
        The passages in document order, each with a view of its cell.

    Raises:
        InputError: The text is no JSON, or no notebook.
    """
    notebook = load_json(text)
    if not isinstance(notebook, dict) or not ("cells" in notebook or "worksheets" in notebook):
        raise InputError("not a notebook: its JSON has no cells")
    sources = (string for string in json_strings(text) if _is_markdown_source(notebook, string.path))
    passages: list[Passage] = []
    for _, strings in groupby(sources, _cell_of):
        view = string_view(text, ((s.start, s.end) for s in strings), ascii_only=text.isascii())
        if view is not None:
            passages += (replace(passage, view=view) for passage in markdown_passages(view.text))
    return passages


def _cell_of(string: JsonString) -> Path:
    return string.path[: string.path.index("source")]


def _is_markdown_source(notebook: Any, path: Path) -> bool:
    """Whether a path leads to the source of a Markdown cell: ``cells, 3, source`` and an index where it is a list."""
    if path[:1] == ("worksheets",):  # a notebook of version 3
        notebook, path = notebook["worksheets"][path[1]], path[2:]
    if len(path) not in (3, 4) or path[0] != "cells" or path[2] != "source":
        return False
    cell = notebook["cells"][path[1]]
    return isinstance(cell, dict) and cell.get("cell_type") in _MARKDOWN_CELLS
