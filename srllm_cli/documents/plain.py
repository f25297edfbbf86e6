"""Passages of plain text: paragraphs, list items, headings and cells, told apart by layout alone.

Plain text has no grammar, so this errs towards keeping lines apart: two lines read as one sentence only when they look
like one that was wrapped. It knows no Markdown, and it never looks past one paragraph, so it is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from srllm_cli.debias.types import Block, Passage, PieceKind
from srllm_cli.documents.pieces import Stretch, make_passage

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
#: Marks of quoted mail, then indentation.
_PREFIX = re.compile(r"[ \t\f\ufeff]*((?:>[ \t]?)*)[ \t]*")
_BULLET = re.compile(r"(?:[-*•+‣◦▪]|\(?(?:\d{1,3}|[A-Za-z])[.)]|\[[ xX]\])[ \t]+(?=\S)|[·–—][ \t]+(?=[^\s\W\d_a-z])")
#: A single capital and a point is an initial (``J. Smith``) more often than a list's letter.
_INITIAL = re.compile(r"[A-Z]\.")
_CELL_GAP = re.compile(r"(?<![ \t])[ \t]*(?:\t|\|)[ \t|]*|(?<![.!?:;, ]) {3,}")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\Z")
#: A line that ends so cannot be a heading: its sentence goes on.
_GOES_ON = re.compile(
    r"(?:[,;–—-]|\b(?:a|an|and|as|at|by|for|from|his|her|if|in|is|its|of|on|or|our|that|the|their|to|was|which|who|with"
    r"|your))\Z"
)
#: Share of the paragraph's width that a wrapped line fills, with the first word of the next.
_FULL_LINE = 0.9
_MIN_WIDTH = 40


@dataclass(frozen=True, slots=True)
class _Line:
    """The words of one line, without its marks: offsets in the document."""

    start: int
    end: int
    depth: int  #: how many marks of quoted mail stand before it
    indent: int
    opens_item: bool


def plain_passages(text: str) -> list[Passage]:
    """Find the passages of a plain text.

    Blank lines, bullets, numbers, a change of quotation depth and a line that does not read on separate passages. A
    soft line break, with the blanks and quote marks round it, is a BREAK.

    Args:
        text: The document, with whatever line endings it has.

    Returns:
        The passages in document order; those without a letter that may be edited are left out.
    """
    passages: list[Passage] = []
    for paragraph in _paragraphs(text):
        for group in _groups(text, paragraph):
            passage = make_passage(text, _stretches(group), Block.PLAIN)
            if passage is not None:
                passages.append(passage)
    return passages


def _paragraphs(text: str) -> Iterator[list[_Line]]:
    """Lines between blank ones; a line without letter or digit (a rule) counts as blank."""
    paragraph: list[_Line] = []
    for match in _LINE.finditer(text):
        line = _read_line(text, match.start(), match.end())
        if line is not None:
            paragraph.append(line)
        elif paragraph:
            yield paragraph
            paragraph = []
    if paragraph:
        yield paragraph


def _read_line(text: str, start: int, end: int) -> _Line | None:
    while end > start and text[end - 1].isspace():
        end -= 1
    prefix = _PREFIX.match(text, start, end)
    content = prefix.end() if prefix else start
    if not any(map(str.isalnum, text[content:end])):
        return None
    bullet = None if _INITIAL.match(text, content, end) else _BULLET.match(text, content, end)
    return _Line(
        start=bullet.end() if bullet else content,
        end=end,
        depth=prefix[1].count(">") if prefix else 0,
        indent=content - start,
        opens_item=bullet is not None,
    )


def _groups(text: str, paragraph: list[_Line]) -> Iterator[list[_Line]]:
    """Lines of a paragraph that read as one passage; each cell of a line that looks like a table's is one by itself."""
    width = max(_MIN_WIDTH, max(line.end - line.start for line in paragraph))
    group: list[_Line] = []
    for line in paragraph:
        cells = _cells(text, line)
        if group and (len(cells) > 1 or not _reads_on(text, group[-1], line, width)):
            yield group
            group = []
        if len(cells) > 1:
            yield from ([cell] for cell in cells)
        else:
            group.append(cells[0])
    if group:
        yield group


def _cells(text: str, line: _Line) -> list[_Line]:
    cells: list[_Line] = []
    start = line.start
    for gap in _CELL_GAP.finditer(text, line.start, line.end):
        if gap.start() > start:
            cells.append(_Line(start, gap.start(), line.depth, line.indent, line.opens_item))
        start = gap.end()
    if start < line.end or not cells:
        cells.append(_Line(start, line.end, line.depth, line.indent, line.opens_item))
    return cells


def _reads_on(text: str, line: _Line, following: _Line, width: int) -> bool:
    """Whether a line break is a soft one: the sentence goes on, or another of the same paragraph follows."""
    if following.opens_item or following.depth != line.depth:
        return False
    ended = _SENTENCE_END.search(text, max(line.start, line.end - 8), line.end) is not None
    if ended:
        # A first line that is set in starts a paragraph of its own.
        return following.indent <= line.indent or line.opens_item
    if text[following.start].islower() or _GOES_ON.search(text, max(line.start, line.end - 12), line.end):
        return True
    first_word = re.compile(r"\S*").match(text, following.start, following.end)
    filled = line.end - line.start + 1 + (first_word.end() - following.start if first_word else 0)
    return line.end - line.start >= _MIN_WIDTH and filled >= width * _FULL_LINE


def _stretches(group: list[_Line]) -> Iterator[Stretch]:
    yield Stretch(PieceKind.TEXT, group[0].start, group[0].end)
    for before, line in pairwise(group):
        yield Stretch(PieceKind.BREAK, before.end, line.start)
        yield Stretch(PieceKind.TEXT, line.start, line.end)
