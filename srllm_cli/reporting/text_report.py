"""Findings and totals as lines of text for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from srllm_cli.debias.types import Finding, Status
from srllm_cli.reporting.document import ReportedDocument

#: A finding's text is shown up to this many characters.
_SHOWN = 120


def finding_lines(document: ReportedDocument) -> Iterator[str]:
    """Yield ``path:line:column: dimension (score): "old" → "new"`` for each finding."""
    for finding in document.rewrite.findings:
        line, column = document.position(finding)
        score = "" if finding.score is None else f" ({finding.score:.2f})"
        yield f"{document.path}:{line}:{column}: {finding.dimension}{score}: {_change(finding)}"


def summary_line(documents: Sequence[ReportedDocument]) -> str:
    """Return the totals in one line."""
    changed = sum(document.changed for document in documents)
    edits = sum(document.count(Status.REWRITTEN) for document in documents)
    review = sum(document.count(Status.NEEDS_REVIEW) for document in documents)
    parts = [f"{edits} {'edit' if edits == 1 else 'edits'} in {changed} of {len(documents)} "]
    parts.append("document" if len(documents) == 1 else "documents")
    if review:
        parts.append(f"; {review} {'passage needs' if review == 1 else 'passages need'} review")
    return "".join(parts)


def _change(finding: Finding) -> str:
    original = _short(finding.original)
    if finding.status is Status.NEEDS_REVIEW:
        return f"needs review: “{original}”"
    if not finding.replacement:
        return f"“{original}” → removed"
    if not finding.original:
        return f"inserted “{_short(finding.replacement)}”"
    return f"“{original}” → “{_short(finding.replacement)}”"


def _short(text: str) -> str:
    """Return the text in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
