"""From stretches of a document to a :class:`Passage`: what the formats share once they know what is prose.

It knows nothing of any format's syntax. It sees to it that a passage reads as a sentence would (no blanks at its ends,
none doubled where mark-up is hidden) and that every piece points at the very characters it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from srllm_cli.debias.types import Block, Passage, Piece, PieceKind, SourceView
from srllm_cli.documents.inline import Span, fixed_spans


class Stretch(NamedTuple):
    """Part of a document, in document offsets, and what it is to the writer."""

    kind: PieceKind
    start: int
    end: int


def make_passage(
    source: str, stretches: Iterable[Stretch], block: Block, *, view: SourceView | None = None
) -> Passage | None:
    """Build the passage that shows the given stretches.

    Args:
        source: The document.
        stretches: In document order, not overlapping; what lies between two of them is hidden mark-up.
        block: What kind of block the passage is.
        view: What ``source`` is a view of, when it is not the document itself.

    Returns:
        The passage, or ``None`` when there is no letter in it that may be edited.
    """
    tidy = _tidy(source, stretches)
    text = "".join(" " if s.kind is PieceKind.BREAK else source[s.start : s.end] for s in tidy)
    pieces = _split(tidy, fixed_spans(text, code=block is Block.PLAIN))
    if not any(p.kind is PieceKind.TEXT and _has_letter(text[p.start : p.end]) for p in pieces):
        return None
    return Passage(text, tuple(pieces), block, view)


def with_fixed(passage: Passage, pattern: re.Pattern[str]) -> Passage | None:
    """The passage with all that matches a pattern fixed; ``None`` when no letter is left that may be edited."""
    return with_fixed_spans(passage, [match.span() for match in pattern.finditer(passage.text)])


def with_fixed_spans(passage: Passage, spans: list[Span]) -> Passage | None:
    """The passage with spans of its text fixed; ``None`` when no letter is left that may be edited."""
    pieces: list[Piece] = []
    for piece in passage.pieces:
        if piece.kind is not PieceKind.TEXT:
            _append(pieces, piece)
            continue
        shift = piece.source_start - piece.start
        for kind, start, end in _cut(piece.start, piece.end, spans):
            _append(pieces, Piece(start, end, start + shift, end + shift, kind))
    if not any(p.kind is PieceKind.TEXT and _has_letter(passage.text[p.start : p.end]) for p in pieces):
        return None
    return replace(passage, pieces=tuple(pieces))


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


def _tidy(source: str, stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join what touches, and hide blanks at the ends, round breaks, and doubled by a hidden stretch."""
    tidy: list[Stretch] = []
    for kind, start, end in stretches:
        if kind is PieceKind.BREAK:
            _drop_trailing_blanks(source, tidy)
            if tidy and tidy[-1].kind is not PieceKind.BREAK:
                tidy.append(Stretch(kind, start, end))
            continue
        last = tidy[-1] if tidy else None
        if last is None or last.kind is PieceKind.BREAK or last.end != start:
            ends_blank = last is None or last.kind is PieceKind.BREAK or source[last.end - 1].isspace()
            start = _skip_blanks(source, start, end) if ends_blank else start
        if start >= end:
            continue
        if last is not None and last.kind is kind and last.end == start:
            tidy[-1] = Stretch(kind, last.start, end)
        else:
            tidy.append(Stretch(kind, start, end))
    while tidy and tidy[-1].kind is PieceKind.BREAK:
        tidy.pop()
    _drop_trailing_blanks(source, tidy)
    while tidy and tidy[-1].kind is PieceKind.BREAK:
        tidy.pop()
    return tidy


def _skip_blanks(source: str, start: int, end: int) -> int:
    while start < end and source[start].isspace():
        start += 1
    return start


def _drop_trailing_blanks(source: str, tidy: list[Stretch]) -> None:
    while tidy and tidy[-1].kind is not PieceKind.BREAK:
        kind, start, end = tidy[-1]
        while end > start and source[end - 1].isspace():
            end -= 1
        if end > start:
            tidy[-1] = Stretch(kind, start, end)
            return
        tidy.pop()


def _split(stretches: list[Stretch], fixed: list[Span]) -> list[Piece]:
    """Lay the stretches side by side in the passage's text, and fix the spans that must not change."""
    pieces: list[Piece] = []
    at = upcoming = 0
    for kind, start, end in stretches:
        if kind is PieceKind.BREAK:
            pieces.append(Piece(at, at + 1, start, end, kind))
            at += 1
            continue
        stop, shift = at + end - start, start - at
        while at < stop:
            while upcoming < len(fixed) and fixed[upcoming][1] <= at:
                upcoming += 1
            span = fixed[upcoming] if upcoming < len(fixed) else (stop, stop)
            inside = span[0] <= at
            cut = min(stop, span[1] if inside else span[0])
            _append(pieces, Piece(at, cut, at + shift, cut + shift, PieceKind.FIXED if inside else kind))
            at = cut
    return pieces


def _cut(start: int, end: int, fixed: list[Span]) -> Iterator[tuple[PieceKind, int, int]]:
    """Part a stretch into what is fixed in it and what is not."""
    for low, high in fixed:
        low, high = max(low, start), min(high, end)
        if low < high:
            if start < low:
                yield PieceKind.TEXT, start, low
            yield PieceKind.FIXED, low, high
            start = high
    if start < end:
        yield PieceKind.TEXT, start, end


def _append(pieces: list[Piece], piece: Piece) -> None:
    last = pieces[-1] if pieces else None
    if last and last.kind is piece.kind is PieceKind.FIXED and last.source_end == piece.source_start:
        pieces[-1] = Piece(last.start, piece.end, last.source_start, piece.source_end, piece.kind)
    else:
        pieces.append(piece)
