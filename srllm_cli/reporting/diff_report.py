"""A unified diff of a document and its rewrite, in the form that ``git apply`` takes."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator

from srllm_cli.reporting.document import ReportedDocument

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def unified_diff(document: ReportedDocument, mark: str = "") -> str:
    """Return the diff; the empty string when nothing changed. Lines end where the document's own lines do.

    ``mark`` is the byte order mark that the file begins with, which is not part of the document's text.
    """
    return "".join(_lines(document, mark)) if document.changed else ""


def _lines(document: ReportedDocument, mark: str) -> Iterator[str]:
    before, after = _LINE.findall(mark + document.before), _LINE.findall(mark + document.rewrite.text)
    name = "stdin" if document.path == "-" else posixpath.normpath(document.path).lstrip("/")
    for line in difflib.unified_diff(before, after, _header(f"a/{name}"), _header(f"b/{name}")):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _header(name: str) -> str:
    """Spell a name as Git does: quoted where a sign in it would end it, a tab after one with blanks."""
    if any(sign in name for sign in _ESCAPED):
        return '"' + "".join(_ESCAPED.get(sign, sign) for sign in name) + '"'
    return f"{name}\t" if " " in name else name
