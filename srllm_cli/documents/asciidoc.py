"""Passages of an AsciiDoc document, read line by line.

No maintained parser of AsciiDoc in Python tells where things stand, so this reads only what it is sure of: paragraphs
of lines that start like a sentence, section titles and list items. Everything between the delimiters of a block, every
line that a block attribute, macro, attribute entry or table could be, and every paragraph that is not plainly text is
left alone. Delimited blocks that hold prose (examples, side bars, open blocks) are the exception: they are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from srllm_cli.debias.types import Block, Passage, PieceKind
from srllm_cli.documents.lines import line_spans
from srllm_cli.documents.pieces import Stretch, make_passage, with_fixed

#: Blocks left alone from their delimiter to the same one again: listings, literals, passthroughs, comments, quotations,
#: tables.
_VERBATIM = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|_{4,}|[|,:!]={3,}|`{3,}.*|~{3,}.*|--)[ \t]*")
#: Delimiters of blocks that are read.
_READ = re.compile(r"(?:={4,}|\*{4,})[ \t]*")
_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(?=\S)")
_ITEM = re.compile(r"[ \t]*(?:[*-]{1,5}|\.{1,5}|\d{1,3}\.|[a-zA-Z]\.|<(?:\d+|\.)>)[ \t]+(?:\[[ xX*]\][ \t]+)?(?=\S)")
_ADMONITION = re.compile(r"(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION):[ \t]+(?=\S)")
_SENTENCE = re.compile(r"[\w\"'“‘«(*_`+]")
#: What else a line may be: an attribute list, a macro, an attribute entry, a comment, a block title, a term.
_OTHER = re.compile(
    r"\[.*|:!?[\w-]+!?:.*|//.*|\.\S.*|[\w-]+::\S*\[.*|.*(?:::|;;)(?:[ \t].*)?|\+[ \t]*|[|'<&{%=-].*|\S*\[\[.*"
    r"|(?:image|include|video|audio|toc|ifdef|ifndef|ifeval|endif)::.*"
)
#: Lines that stand above a block and speak of it: attributes, its title, a comment.
_ABOVE = re.compile(r"\[.*\][ \t]*|\.[^\s.].*|//.*")
#: What stays within a paragraph: code, macros, links, attributes, references, marks.
_FIXED = re.compile(
    r"`+[^`]*`+|\+{1,3}[^+]*\+{1,3}|\b[\w-]+:\S*\[[^\]]*\]|<<[^>]*>>|\(\(+[^)]*\)+\)|\[\[[^\]]*\]\]|\[[^\]]*\]#[^#]*#"
    r"|\{[^{}]*\}|[`*_#^~+|\\\[\]<>{}&$]+|::+|;;|--|->|=>|\(\((?:C|R|TM)\)|\S*://\S*"
)
#: How an attribute line above a block says that its words are none of the writer's.
_VERBATIM_STYLE = re.compile(
    r"\[(?:%?\"?(?:source|listing|literal|pass|stem|latexmath|asciimath|verse|quote|mermaid|plantuml|ditaa|graphviz|comment|cols)"
    r"\b|,|quote|format|options|%header).*"
)


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int


def asciidoc_passages(text: str) -> list[Passage]:
    """Find the prose of an AsciiDoc document that is certain to be such.

    Args:
        text: The document, with whatever line endings it has, without a byte order mark.

    Returns:
        The passages in document order; code, macros, references and marks are FIXED pieces.
    """
    found = (make_passage(text, _stretches(lines), Block.ASCIIDOC) for lines in _paragraphs(text))
    fixed = (with_fixed(passage, _FIXED) for passage in found if passage is not None)
    return [passage for passage in fixed if passage is not None]


def _stretches(lines: list[_Line]) -> Iterator[Stretch]:
    yield Stretch(PieceKind.TEXT, lines[0].start, lines[0].end)
    for before, line in pairwise(lines):
        yield Stretch(PieceKind.BREAK, before.end, line.start)
        yield Stretch(PieceKind.TEXT, line.start, line.end)


def _paragraphs(text: str) -> Iterator[list[_Line]]:
    spans = [(start, end) for start, end in line_spans(text)]
    at = _after_header(text, spans)
    block: list[tuple[int, int]] = []
    verbatim: str | None = None
    for start, end in spans[at:]:
        line = text[start:end]
        delimiter = _VERBATIM.fullmatch(line)
        if verbatim is not None:
            verbatim = None if line.rstrip() == verbatim else verbatim
        elif delimiter is not None or _READ.fullmatch(line) or not line.strip():
            yield from _block(text, block)
            # An attribute line speaks of the block that its delimiter opens: then that is left alone.
            is_styled = bool(block) and _ABOVE.fullmatch(text, *block[-1]) is not None
            block = []
            if delimiter is not None or (is_styled and line.strip()):
                verbatim = _closing(line.rstrip())
        else:
            block.append((start, end))
    if verbatim is None:
        yield from _block(text, block)


def _closing(delimiter: str) -> str:
    return delimiter[:3] if delimiter.startswith("```") else delimiter


def _after_header(text: str, spans: list[tuple[int, int]]) -> int:
    """The number of the line after the header: the title, its author and revision, attributes; up to a blank line."""
    first = next((n for n, (start, end) in enumerate(spans) if text[start:end].strip()), len(spans))
    if first == len(spans) or not re.match(r"[=#][ \t]", text[spans[first][0] : spans[first][1]]):
        return 0
    after = (n for n, (start, end) in enumerate(spans) if n > first and not text[start:end].strip())
    return next(after, len(spans))


def _block(text: str, block: list[tuple[int, int]]) -> Iterator[list[_Line]]:
    """The passages of lines between two blank ones or delimiters."""
    lines = [_trimmed(text, start, end) for start, end in block]
    while block and _ABOVE.fullmatch(text, *block[0]):
        if _VERBATIM_STYLE.match(text, *block[0]):
            return
        block, lines = block[1:], lines[1:]
    if not block:
        return
    title = _TITLE.match(text, *block[0])
    if title:
        if len(block) == 1:
            yield [_Line(title.end(), lines[0].end)]
        return
    if any(_ITEM.match(text, *line) for line in block):
        yield from _items(text, block, lines)
    elif all(_SENTENCE.match(text, line[0]) and not _OTHER.fullmatch(text, *line) for line in block):
        label = _ADMONITION.match(text, *block[0])
        yield [_Line(label.end(), lines[0].end), *lines[1:]] if label else lines


def _items(text: str, block: list[tuple[int, int]], lines: list[_Line]) -> Iterator[list[_Line]]:
    """The items of a list, each with the lines that go on with it; none if any line is something else."""
    items: list[list[_Line]] = []
    for span, line in zip(block, lines, strict=True):
        marker = _ITEM.match(text, *span)
        if marker:
            items.append([_Line(marker.end(), line.end)])
        elif not items or _OTHER.fullmatch(text, line.start, line.end) or not _SENTENCE.match(text, line.start):
            return
        else:
            items[-1].append(line)
    yield from (item for item in items if not _OTHER.fullmatch(text, item[0].start, item[0].end))


def _trimmed(text: str, start: int, end: int) -> _Line:
    said = text[start:end]
    return _Line(start + len(said) - len(said.lstrip()), start + len(said.rstrip()))
