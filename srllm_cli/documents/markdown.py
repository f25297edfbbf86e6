"""Passages of a Markdown document, by source position.

markdown-it-py says what is a block and what is prose in it, and gives the lines of a block but no position inside one.
:mod:`srllm_cli.documents.inline_markdown` follows its inline parser through a block's content; this module lays that
content back on the document's lines. A line that cannot be found again at the very place where it must be makes the
whole block no passage: nothing is guessed, and nothing is ever written back from tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from srllm_cli.debias.types import Block, Passage
from srllm_cli.documents.front_matter import front_matter_end
from srllm_cli.documents.inline_markdown import Environment, InlineTracker, UnmappedError
from srllm_cli.documents.lines import ContentLine, in_document, line_spans, locate
from srllm_cli.documents.markdown_nested import nested_document
from srllm_cli.documents.pieces import Stretch, make_passage

if TYPE_CHECKING:
    from markdown_it.token import Token

#: Lines in a paragraph that speak to a tool, not to a reader: directive fences, admonitions, alerts, MDX, templates.
_TOOL_LINE = re.compile(
    r":{3,}.*|!!!.*|\?\?\?.*|={3} \".*|\[![A-Za-z]+\][-+]?|\{%.*%\}|\{:.*\}|\[toc\]|\[\[_?TOC_?\]\]|\\newpage"
    r"|(?:import|export) .*(?:from ['\"].*|[={;]\s*)|<!--.*-->|%.*"
)
_TASK = re.compile(r"\[[ xX]\][ \t]+")


def markdown_passages(text: str) -> list[Passage]:
    """Find the prose of a Markdown document: paragraphs, headings, list items, table cells, block quotes, footnotes.

    Args:
        text: The document, with whatever line endings it has, without a byte order mark.

    Returns:
        The passages in document order. Code spans and the like are FIXED pieces, line breaks BREAK pieces, and marks,
        targets and inline HTML lie hidden between pieces.
    """
    skipped = front_matter_end(text)
    lines = line_spans(text, skipped)
    tracker = _tracker()
    environment: Environment = {}
    tokens = tracker.blocks(text[skipped:], environment)
    passages: list[Passage] = []
    for block, token, content_lines in _prose(_with_nested(tokens, environment), text, lines):
        try:
            stretches = tracker.stretches(token.content, environment)
        except UnmappedError:
            continue
        if block is Block.CELL:
            placed = _in_cell(token.content, stretches, content_lines[0].source)
        else:
            placed = _in_document(token.content, stretches, content_lines)
        passage = make_passage(text, placed, block)
        if passage is not None and (not passages or passages[-1].source_end <= passage.source_start):
            passages.append(passage)
    return passages


@lru_cache(maxsize=1)
def _tracker() -> InlineTracker:
    return InlineTracker()


def _with_nested(tokens: list[Token], environment: Environment) -> list[Token]:
    """The tokens, and in the place of a block that holds a document those of that document."""
    flat: list[Token] = []
    for i, token in enumerate(tokens):
        nested = nested_document(tokens, i)
        if nested is None:
            flat.append(token)
            continue
        inner = _with_nested(_tracker().blocks(nested.content, environment), environment)
        for part in inner:
            if part.map is not None:
                part.map = [line + nested.line for line in part.map]
        flat += inner
    return flat


def _prose(
    tokens: list[Token], text: str, lines: list[tuple[int, int]]
) -> Iterator[tuple[Block, Token, list[ContentLine]]]:
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
                found = locate(token.content, (token.map or [0])[0], text, lines)
                if found is not None:
                    yield Block.HEADING if opener.type == "heading_open" else Block.PARAGRAPH, token, found


def _row_cells(row: list[Token], text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[Token, ContentLine]]:
    """Find the cells of a row; a row that can be read in two ways is left out."""
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
        if words:
            # The first cell of a row without a leading pipe follows its containers' marks; a pipe in it is escaped.
            begin = start + len(text[start:end].rstrip()) - len(words) - words.count("|")
            yield cell, ContentLine(0, len(words), begin)


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


def _in_cell(content: str, stretches: list[Stretch], source: int) -> Iterator[Stretch]:
    """Move stretches of a cell's content to the document, where a backslash stands before every pipe."""
    for kind, start, end in stretches:
        before, inside = content.count("|", 0, start), content.count("|", start, end)
        yield Stretch(kind, source + start + before, source + end + before + inside)


def _in_document(content: str, stretches: list[Stretch], lines: list[ContentLine]) -> Iterator[Stretch]:
    shown = {n for n, line in enumerate(lines) if not _TOOL_LINE.fullmatch(content, line.start, line.end)}
    task = _TASK.match(content)
    return in_document(content, stretches, lines, shown, task.end() if task else 0)
