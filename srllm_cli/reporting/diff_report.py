"""A unified diff of a document and its rewrite, in the form that ``git apply`` takes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from srllm_cli.reporting.document import ReportedDocument

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def unified_diff(document: ReportedDocument) -> str:
    """Return the diff; the empty string when nothing changed. Lines end where the document's own lines do."""
    return "".join(_lines(document))


def _lines(document: ReportedDocument) -> Iterator[str]:
    before, after = _LINE.findall(document.before), _LINE.findall(document.rewrite.text)
    name = "stdin" if document.path == "-" else document.path.lstrip("/")
    for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
