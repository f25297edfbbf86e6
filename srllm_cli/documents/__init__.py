"""Text in, passages out, text back byte for byte: this room knows documents and their formats, and no model.

The parsers are imported when a document of their format comes, which keeps the command line quick to start.
"""

from __future__ import annotations

from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srllm_cli.debias.types import Passage

#: The formats that :func:`passages` knows.
FORMATS = ("plain", "markdown")

_MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdx", ".mdown", ".mkd"})


def passages(text: str, format: str) -> list[Passage]:
    """Find the passages of a document.

    Args:
        text: The document, without a byte order mark and with its own line endings.
        format: One of :data:`FORMATS`.

    Returns:
        The passages in document order.

    Raises:
        ValueError: The format is unknown.
    """
    if format == "markdown":
        from srllm_cli.documents.markdown import markdown_passages

        return markdown_passages(text)
    if format == "plain":
        from srllm_cli.documents.plain import plain_passages

        return plain_passages(text)
    raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")


def format_of(path: str | PathLike[str]) -> str:
    """Tell a document's format by the suffix of its name."""
    return "markdown" if PurePath(path).suffix.lower() in _MARKDOWN_SUFFIXES else "plain"
