"""Passages of a Markdown document, by source position.

markdown-it-py says what is a block and what is prose in it, and gives the lines of a block but no position inside one.
:mod:`srllm_cli.documents.inline_markdown` follows its inline parser through a block's content; this module lays that
content back on the document's lines. A line that cannot be found again at the very place where it must be makes the
whole block no passage: nothing is guessed, and nothing is ever written back from tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from srllm_cli.debias.types import Block, Passage, PieceKind
from srllm_cli.documents.front_matter import front_matter_end
from srllm_cli.documents.inline_markdown import InlineTracker, UnmappedError
from srllm_cli.documents.pieces import Stretch, make_passage

if TYPE_CHECKING:
    from markdown_it.token import Token

_NEWLINE = re.compile(r"\r\n?|\n")
#: Lines in a paragraph that speak to a tool, not to a reader: directive fences, admonitions, alerts, MDX, templates.
_TOOL_LINE = re.compile(
    r":{3,}.*|!!!.*|\?\?\?.*|={3} \".*|\[![A-Za-z]+\][-+]?|\{%.*%\}|\{:.*\}|\[toc\]|\[\[_?TOC_?\]\]|\\newpage"
    r"|(?:import|export) .*(?:from ['\"].*|[={;]\s*)|<!--.*-->"
)
_TASK = re.compile(r"\[[ xX]\][ \t]+")
_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class _ContentLine:
    """One line of a block's content: where its words are there, and where they begin in the document."""

    start: int
    end: int
    source: int


def markdown_passages(text: str) -> list[Passage]:
    """Find the prose of a Markdown document: paragraphs, headings, list items, table cells, block quotes, footnotes.

    Args:
        text: The document, with whatever line endings it has, without a byte order mark.

    Returns:
        The passages in document order. Code spans and the like are FIXED pieces, line breaks BREAK pieces, and marks,
        targets and inline HTML lie hidden between pieces.
    """
    skipped = front_matter_end(text)
    lines = _line_spans(text, skipped)
    tracker = _tracker()
    tokens, environment = tracker.blocks(text[skipped:])
    passages: list[Passage] = []
    for block, token, content_lines in _prose(tokens, text, lines):
        try:
            stretches = tracker.stretches(token.content, environment)
        except UnmappedError:
            continue
        passage = make_passage(text, _in_document(token.content, stretches, content_lines), block)
        if passage is not None and (not passages or passages[-1].source_end <= passage.source_start):
            passages.append(passage)
    return passages


@lru_cache(maxsize=1)
def _tracker() -> InlineTracker:
    return InlineTracker()


def _line_spans(text: str, start: int) -> list[tuple[int, int]]:
    """Start and end of every line, without its line end: markdown-it counts lines of normalised text alike."""
    spans: list[tuple[int, int]] = []
    for match in _NEWLINE.finditer(text, start):
        spans.append((start, match.start()))
        start = match.end()
    spans.append((start, len(text)))
    return spans


def _prose(
    tokens: list[Token], text: str, lines: list[tuple[int, int]]
) -> Iterator[tuple[Block, Token, list[_ContentLine]]]:
    """The inline tokens, each with its block's kind and its content laid on the document."""
    row: list[Token] = []
    for i, token in enumerate(tokens):
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield from ((Block.CELL, cell, [line]) for cell, line in _row_cells(row, text, lines))
        elif token.type == "inline" and token.map is not None and i:
            opener = tokens[i - 1]
            if opener.type in ("th_open", "td_open"):
                row.append(token)
            elif opener.type in ("paragraph_open", "heading_open"):
                found = _locate(token, text, lines)
                if found is not None:
                    yield Block.HEADING if opener.type == "heading_open" else Block.PARAGRAPH, token, found


def _locate(token: Token, text: str, lines: list[tuple[int, int]]) -> list[_ContentLine] | None:
    """Find each line of a block's content at the end of its line in the document."""
    located: list[_ContentLine] = []
    number = (token.map or [0])[0]
    at = 0
    for content in token.content.split("\n"):
        if number >= len(lines):
            return None
        words = content.strip(_BLANKS)
        start = _tail_position(text, lines[number], words)
        if start is None or not words:
            return None
        lead = at + len(content) - len(content.lstrip(_BLANKS))
        located.append(_ContentLine(lead, lead + len(words), start))
        at += len(content) + 1
        number += 1
    return located


def _tail_position(text: str, line: tuple[int, int], words: str) -> int | None:
    """Where a line ends with the words, but for blanks and the closing ``#`` of a heading."""
    start, end = line
    bare = start + len(text[start:end].rstrip())
    for stop in (
        start + len(text[start:end].rstrip(_BLANKS)),
        bare,
        start + len(text[start:bare].rstrip("#").rstrip()),
    ):
        if stop - start >= len(words) and text.startswith(words, stop - len(words)):
            return stop - len(words)
    return None


def _row_cells(row: list[Token], text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[Token, _ContentLine]]:
    """Find the cells of a row; a row that can be read in two ways, or a cell with an escaped pipe, is left out."""
    number = (row[0].map or [0])[0] if row else 0
    if not row or number >= len(lines):
        return
    spans = _cell_spans(text, *lines[number])
    filled = len(row)
    while filled and not row[filled - 1].content:
        filled -= 1
    contents = [cell.content for cell in row[:filled]]
    readings = [shift for shift in (0, 1) if _reads_as(contents, [text[s:e] for s, e in spans[shift:]], shift)]
    if len(readings) != 1:
        return
    for cell, (start, end) in zip(row[:filled], spans[readings[0] :], strict=False):
        words = cell.content
        if words and "|" not in words:
            # The first cell of a row without a leading pipe follows its containers' marks.
            begin = start + len(text[start:end].rstrip()) - len(words)
            yield cell, _ContentLine(0, len(words), begin)


def _cell_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for match in re.compile(r"(?<!\\)\|").finditer(text, start, end):
        spans.append((start, match.start()))
        start = match.end()
    return [*spans, (start, end)]


def _reads_as(contents: list[str], cells: list[str], shift: int) -> bool:
    """Whether the stretches between pipes are a row's cells, the first of them after ``shift`` stretches."""
    if len(cells) < len(contents) or not contents:
        return False
    read = [cell.strip().replace("\\|", "|") for cell in cells[: len(contents)]]
    first = read[0] == contents[0] if shift else bool(contents[0]) and read[0].endswith(contents[0])
    return first and read[1:] == contents[1:]


def _in_document(content: str, stretches: list[Stretch], lines: list[_ContentLine]) -> Iterator[Stretch]:
    """Move stretches of a block's content to the document, line by line.

    Blanks at either end of a line belong to the line break; so does the backslash of a hard one.
    """
    number = 0
    shown_from = {n for n, line in enumerate(lines) if not _TOOL_LINE.fullmatch(content, line.start, line.end)}
    task = _TASK.match(content)
    first = task.end() if task else 0
    for kind, start, end in stretches:
        while number + 1 < len(lines) and start >= lines[number + 1].start:
            number += 1
        if kind is PieceKind.BREAK:
            line, stop = lines[number], min(max(start, lines[number].start), lines[number].end)
            begin = stop - line.start + line.source
            if "\n" in content[start:end]:
                yield Stretch(kind, begin, lines[number + 1].source)
            else:  # an HTML line break
                yield Stretch(kind, begin, begin + end - start)
            continue
        # Fixed text may run over line ends, in a code span.
        for n in range(number, len(lines)):
            line = lines[n]
            if line.start >= end:
                break
            if n > number:
                before = lines[n - 1]
                yield Stretch(PieceKind.BREAK, before.end - before.start + before.source, line.source)
            s, e = max(start, line.start, first), min(end, line.end)
            if s < e and n in shown_from:
                shift = line.source - line.start
                yield Stretch(kind, s + shift, e + shift)
