"""The formats: their names, the suffixes of their files, and who reads them. The one place to add a format to.

It imports a reader, and so its parser, only when a document of that format comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srllm_cli.debias.types import Passage

#: Documents: all of their prose is read.
_DOCUMENTS = {
    "plain": (),
    "markdown": (".md", ".markdown", ".mdown", ".mkd"),
    "mdx": (".mdx",),
    "rst": (".rst", ".rest"),
    "asciidoc": (".adoc", ".asciidoc", ".asc"),
    "html": (".html", ".htm", ".xhtml"),
    "notebook": (".ipynb",),
    "po": (".po", ".pot"),
}
#: Tables of text: the fields that are named are read.
_TABLES = {"csv": (".csv", ".tsv"), "jsonl": (".jsonl", ".ndjson")}
#: Source code: comments and docstrings are read, when they are asked for.
_CODE = {
    "python": (".py", ".pyi"),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "typescript": (".ts", ".mts", ".cts"),
    "tsx": (".tsx",),
    "go": (".go",),
    "rust": (".rs",),
    "c": (".c", ".h"),
    "java": (".java",),
    "shell": (".sh", ".bash"),
    "yaml": (".yaml", ".yml"),
    "toml": (".toml",),
}
_ALL = _DOCUMENTS | _TABLES | _CODE

#: The formats that a document can have.
FORMATS = tuple(_ALL)

_BY_SUFFIX = {suffix: name for name, suffixes in _ALL.items() for suffix in suffixes}

Reader = Callable[[str], "list[Passage]"]


def format_of(path: str | PathLike[str]) -> str:
    """Tell a document's format by the suffix of its name; what is not known is plain text."""
    return _BY_SUFFIX.get(PurePath(path).suffix.lower(), "plain")


def needs_fields(format: str) -> bool:
    """Whether a format's prose is in fields that must be named."""
    return format in _TABLES


def is_code(format: str) -> bool:
    """Whether a format is a programming language's, of which comments are read."""
    return format in _CODE


def reader_of(format: str, *, comments: bool, fields: Sequence[str]) -> Reader:
    """The function that finds a document's passages; see :func:`srllm_cli.documents.passages`."""
    if format in _CODE:
        return _code_reader(format, comments)
    if format in _TABLES:
        return _table_reader(format, fields)
    if format in _DOCUMENTS:
        return _document_reader(format)
    raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")


def _document_reader(format: str) -> Reader:
    if format == "markdown":
        from srllm_cli.documents.markdown import markdown_passages as read
    elif format == "mdx":
        from srllm_cli.documents.mdx import mdx_passages as read
    elif format == "rst":
        from srllm_cli.documents.rst import rst_passages as read
    elif format == "asciidoc":
        from srllm_cli.documents.asciidoc import asciidoc_passages as read
    elif format == "html":
        from srllm_cli.documents.html import html_passages as read
    elif format == "notebook":
        from srllm_cli.documents.notebook import notebook_passages as read
    elif format == "po":
        from srllm_cli.documents.po import po_passages as read
    else:
        from srllm_cli.documents.plain import plain_passages as read
    return read


def _table_reader(format: str, fields: Sequence[str]) -> Reader:
    if format == "csv":
        from srllm_cli.documents.csv_fields import csv_passages

        return partial(csv_passages, fields=fields)
    from srllm_cli.documents.jsonl import jsonl_passages

    return partial(jsonl_passages, fields=fields)


def _code_reader(format: str, comments: bool) -> Reader:
    if not comments:
        return _no_passages
    from srllm_cli.documents.comments import comment_passages

    return partial(comment_passages, language=format)


def _no_passages(text: str) -> list[Passage]:  # noqa: ARG001 -- a reader's signature
    return []
