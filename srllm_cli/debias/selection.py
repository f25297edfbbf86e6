"""Taking findings out of a result: a sentence's edits stay together or go together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from srllm_cli.debias.types import Finding, Rewrite, Status


def by_sentence(findings: Sequence[Finding]) -> Iterator[tuple[Finding, ...]]:
    """Yield the findings of each sentence, in order. A finding that knows no sentence stands alone."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        groups.setdefault(finding.sentence or number, []).append(finding)
    for group in groups.values():
        yield tuple(group)


def select(text: str, rewrite: Rewrite, wanted: Callable[[tuple[Finding, ...]], bool]) -> Rewrite:
    """Return the result with only the sentences that are wanted; the others stay as they were in ``text``."""
    chosen = (finding for group in by_sentence(rewrite.findings) if wanted(group) for finding in group)
    kept = tuple(sorted(chosen, key=lambda finding: (finding.start, finding.end)))
    if len(kept) == len(rewrite.findings):
        return rewrite
    return Rewrite(with_edits(text, kept), kept, rewrite.passages)


def with_edits(text: str, findings: Sequence[Finding]) -> str:
    """Return the text with the edits of those findings that are edits."""
    parts: list[str] = []
    at = 0
    for finding in findings:
        if finding.status is Status.REWRITTEN and finding.replacement is not None:
            parts += [text[at : finding.start], finding.replacement]
            at = finding.end
    return "".join([*parts, text[at:]])


def sentence_span(group: Sequence[Finding]) -> tuple[int, int]:
    """Return where the sentence of a group stands; the findings' own stretch where it is not known."""
    first = group[0]
    return first.sentence or (first.start, max(finding.end for finding in group))


def rewritten_sentence(text: str, group: Sequence[Finding]) -> str:
    """Return the sentence of a group with its edits made."""
    start, end = sentence_span(group)
    shifted = with_edits(text[:end], group)
    return shifted[start:]
