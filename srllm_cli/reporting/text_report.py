"""Findings and totals as lines of text for a person."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence

from srllm_cli.debias.selection import by_sentence, rewritten_sentence, sentence_span
from srllm_cli.debias.types import Finding, Status
from srllm_cli.reporting.document import ReportedDocument
from srllm_cli.reporting.explanations import explanation

#: A finding's text is shown up to this many characters in one line.
_SHOWN = 120
#: Columns of a passage that is shown; underlining works as long as the terminal doesn't wrap.
_WIDTH = 96
_INDENT = "    "
_BOLD, _RED, _GREEN, _DIM, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


def finding_lines(document: ReportedDocument) -> Iterator[str]:
    """Yield ``path:line:column: dimension (score): “old” → “new”`` for each finding."""
    for finding in document.rewrite.findings:
        yield _headline(document, finding)


def sentence_reports(document: ReportedDocument, *, colour: bool = False) -> Iterator[str]:
    """Yield a block of lines for each sentence with findings.

    A headline for each finding, the sentence with the biased words underlined, what it would become, and why.
    """
    for group in by_sentence(document.rewrite.findings):
        yield "\n".join(sentence_lines(document, group, colour=colour))


def sentence_lines(document: ReportedDocument, group: Sequence[Finding], *, colour: bool) -> Iterator[str]:
    """Yield the lines that show one sentence."""
    bold, red, green, dim, plain = (_BOLD, _RED, _GREEN, _DIM, _PLAIN) if colour else ("",) * 5
    for finding in group:
        yield f"{bold}{_headline(document, finding)}{plain}"
    start, end = sentence_span(group)
    for line, marks in underlined(document.before, start, end, [(f.start, f.end) for f in group]):
        yield f"{_INDENT}{line}"
        if marks:
            yield f"{_INDENT}{red}{marks}{plain}"
    after = rewritten_sentence(document.before, group)
    if after != document.before[start:end]:
        yield f"{_INDENT}{green}→ {_line(after) or '(removed)'}{plain}"
    told = explanation(group[0].dimension)
    yield f"{_INDENT}{dim}{told.name}: {told.why}{plain}"


def underlined(text: str, start: int, end: int, marked: Sequence[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """Yield ``[start, end)`` of a text in lines that fit, each with the line of ``^`` that goes under it.

    White space is shown as one blank. An empty stretch (an insertion) is marked at the character that it stands before.
    """
    shown: list[tuple[str, bool]] = []
    stretches = [(low, max(high, low + 1)) for low, high in marked]
    for at in range(start, end):
        blank = text[at].isspace()
        if not blank and unicodedata.category(text[at]) == "Cc":
            continue  # a terminal would obey it
        if not (blank and (not shown or shown[-1][0] == " ")):
            shown.append((" " if blank else text[at], any(low <= at < high for low, high in stretches)))
    for line in _wrapped(shown):
        marks = "".join(("^" if mark else " ") * _columns(sign) for sign, mark in line)
        yield "".join(sign for sign, _ in line), marks.rstrip()


def summary_line(documents: Sequence[ReportedDocument]) -> str:
    """Return the totals in one line."""
    changed = sum(document.changed for document in documents)
    edits = sum(document.count(Status.REWRITTEN) for document in documents)
    review = sum(document.count(Status.NEEDS_REVIEW) for document in documents)
    known = sum(document.known for document in documents)
    parts = [f"{edits} {'edit' if edits == 1 else 'edits'} in {changed} of {len(documents)} "]
    parts.append("document" if len(documents) == 1 else "documents")
    if review:
        parts.append(f"; {review} {'passage needs' if review == 1 else 'passages need'} review")
    if known:
        parts.append(f"; {known} {'finding' if known == 1 else 'findings'} left out by the baseline")
    return "".join(parts)


def change(finding: Finding) -> str:
    """Say in one line what a finding would do."""
    original = _short(finding.original)
    if finding.status is Status.NEEDS_REVIEW:
        return f"needs review: “{original}”"
    if not finding.replacement:
        return f"“{original}” → removed"
    if not finding.original:
        return f"inserted “{_short(finding.replacement)}”"
    return f"“{original}” → “{_short(finding.replacement)}”"


def _headline(document: ReportedDocument, finding: Finding) -> str:
    line, column = document.position(finding)
    score = "" if finding.score is None else f" ({finding.score:.2f})"
    return f"{_name(document.path)}:{line}:{column}: {finding.dimension}{score}: {change(finding)}"


def _name(path: str) -> str:
    """A path on one line, whatever is in it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").replace("\n", "\\n").replace("\r", "\\r")


def _wrapped(shown: Sequence[tuple[str, bool]]) -> Iterator[Sequence[tuple[str, bool]]]:
    """Cut at blanks into lines of at most ``_WIDTH`` columns; a longer word has a line of its own."""
    low = width = 0
    blank = -1
    for at, (sign, _) in enumerate(shown):
        width += _columns(sign)
        if sign == " ":
            blank = at
        if width > _WIDTH and blank >= low:
            yield shown[low:blank]
            low = blank + 1
            width = sum(_columns(sign) for sign, _ in shown[low : at + 1])
    if low < len(shown):
        yield shown[low:]


def _columns(sign: str) -> int:
    """How wide a terminal draws a character."""
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _line(text: str) -> str:
    """Return the text in one line, without control characters (which a terminal would obey)."""
    return "".join(sign for sign in " ".join(text.split()) if unicodedata.category(sign) != "Cc")


def _short(text: str) -> str:
    """Return the text in one line, cut where it is long."""
    line = _line(text)
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
