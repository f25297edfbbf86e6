"""Text in, passages out, text back byte for byte: this room knows documents and their formats, and no model.

The parsers are imported when a document of their format comes, which keeps the command line quick to start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from srllm_cli.documents.formats import FORMATS, format_of, is_code, needs_fields, reader_of

if TYPE_CHECKING:
    from srllm_cli.debias.types import Passage

__all__ = ["FORMATS", "format_of", "is_code", "needs_fields", "passages"]


def passages(text: str, format: str, *, comments: bool = False, fields: Sequence[str] = ()) -> list[Passage]:
    """Find the passages of a document.

    Args:
        text: The document, without a byte order mark and with its own line endings.
        format: One of :data:`FORMATS`.
        comments: Whether the comments and docstrings of source code are prose. Without it source code has no passages.
        fields: For CSV and JSON Lines, the columns or keys that hold prose.

    Returns:
        The passages in document order, less those that the document's own directives keep (``srllm: off``).

    Raises:
        ValueError: The format is unknown.
        InputError: The document is not of the format, or a field is missing.
    """
    from srllm_cli.documents.ignore import without_ignored

    read = reader_of(format, comments=comments, fields=fields)
    return without_ignored(text, format, read(text))
