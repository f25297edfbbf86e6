"""What of a passage is shown to the model at a time: a sentence, or the whole paragraph. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from srllm_cli.documents.sentences import sentence_spans

#: Units of text. ``paragraph`` shows a passage whole (in runs of sentences where it is long).
UNITS = ("sentence", "paragraph")
#: A unit's length bound in characters: longer paragraphs are cut between sentences, longer sentences between words.
#: The longest training text has 700; the engine's cache holds four times as much whatever the script.
LONGEST_UNIT = 800


def unit_spans(text: str, unit: str, longest: int = LONGEST_UNIT) -> list[tuple[int, int]]:
    """Return the (start, end) of each unit, in order; units hold no white space at either end."""
    sentences = [part for span in sentence_spans(text) for part in _cut(text, span, longest)]
    if unit == "sentence":
        return sentences
    if unit != "paragraph":
        raise ValueError(f"unknown unit {unit!r}: it must be one of {', '.join(UNITS)}")
    return _joined(sentences, longest)


def _joined(sentences: Sequence[tuple[int, int]], longest: int) -> list[tuple[int, int]]:
    """Join neighbouring sentences as long as they fit."""
    spans: list[tuple[int, int]] = []
    for start, end in sentences:
        if spans and end - spans[-1][0] <= longest:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _cut(text: str, span: tuple[int, int], longest: int) -> list[tuple[int, int]]:
    """Cut a sentence that is too long at the last white space before the bound, or at the bound itself."""
    start, end = span
    parts: list[tuple[int, int]] = []
    while end - start > longest:
        space = max(text.rfind(" ", start + 1, start + longest), text.rfind("\n", start + 1, start + longest))
        cut = space if space > start else start + longest
        parts.append((start, start + len(text[start:cut].rstrip())))
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        parts.append((start, end))
    return [(a, b) for a, b in parts if text[a:b].strip()]
