"""A block's content, as a parser gives it, laid back on the lines of its document.

Parsers of line-based formats tell the line a block starts on and its words, less indentation and marks. A line that
cannot be found again at the very place where it must be makes the whole block no passage: nothing is guessed. It knows
no format.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from srllm_cli.debias.types import PieceKind
from srllm_cli.documents.pieces import Stretch

BLANKS = " \t"
_NEWLINE = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class ContentLine:
    """One line of a block's content: where its words are there, and where they begin in the document."""

    start: int
    end: int
    source: int


def line_spans(text: str, start: int = 0) -> list[tuple[int, int]]:
    """Start and end of every line from an offset on, without its line end."""
    spans: list[tuple[int, int]] = []
    for match in _NEWLINE.finditer(text, start):
        spans.append((start, match.start()))
        start = match.end()
    spans.append((start, len(text)))
    return spans


def with_newlines(text: str) -> str:
    """The text with every line end written as a newline: it has the lines that :func:`line_spans` counts."""
    return _NEWLINE.sub("\n", text)


def locate(content: str, number: int, text: str, lines: list[tuple[int, int]]) -> list[ContentLine] | None:
    """Find each line of a block's content at the end of its line in the document, from line ``number`` on."""
    located: list[ContentLine] = []
    at = 0
    for line in content.split("\n"):
        if not 0 <= number < len(lines):
            return None
        words = line.strip(BLANKS)
        start = _tail_position(text, lines[number], words)
        if start is None or not words:
            return None
        lead = at + len(line) - len(line.lstrip(BLANKS))
        located.append(ContentLine(lead, lead + len(words), start))
        at += len(line) + 1
        number += 1
    return located


def _tail_position(text: str, line: tuple[int, int], words: str) -> int | None:
    """Where a line ends with the words, but for blanks and the closing ``#`` of a heading."""
    start, end = line
    bare = start + len(text[start:end].rstrip())
    for stop in (
        start + len(text[start:end].rstrip(BLANKS)),
        bare,
        start + len(text[start:bare].rstrip("#").rstrip()),
    ):
        if stop - start >= len(words) and text.startswith(words, stop - len(words)):
            return stop - len(words)
    return None


def in_document(
    content: str, stretches: list[Stretch], lines: list[ContentLine], shown: Container[int], first: int = 0
) -> Iterator[Stretch]:
    """Move stretches of a block's content to the document, line by line.

    Blanks at either end of a line belong to the line break; so does the backslash of a hard one.

    Args:
        content: The block's content.
        stretches: What is in it, in its offsets.
        lines: Where its lines are.
        shown: The numbers of those lines that may be shown.
        first: Where its words begin, in offsets of the content.
    """
    number = 0
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
            if s < e and n in shown:
                shift = line.source - line.start
                yield Stretch(kind, s + shift, e + shift)
