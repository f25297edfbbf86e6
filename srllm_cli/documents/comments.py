"""Passages of source code: its comments and docstrings. Code, and the marks of comments, are never touched.

Consecutive line comments are one text, as a block comment is. What in it is prose, line by line, is told in
:mod:`srllm_cli.documents.comment_lines`; this module lays lines out as paragraphs and knows where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from srllm_cli.debias.types import Block, Passage, PieceKind
from srllm_cli.documents import comment_lines as says
from srllm_cli.documents.code_tree import Comment, parse_code
from srllm_cli.documents.pieces import Stretch, make_passage, with_fixed
from srllm_cli.documents.view import Run, View

_LINE_MARK = re.compile(r"(?://[/!]?|#+:?)(?=[ \t]|\Z|[\r\n])")
_BLOCK = re.compile(r"/\*[*!]?<?(.*?)\*+/", re.S)
_STAR = re.compile(r"[ \t]*\*?(?=\s|\Z)[ \t]?|[ \t]*")
_DOCSTRING = re.compile(r"([rRuU]{0,2})(\"\"\"|'''|\"|')(.*)\2", re.S)
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")


@dataclass(frozen=True, slots=True)
class _Line:
    """What a line of a comment says: its offsets, and the column it begins in."""

    start: int
    end: int
    column: int


@dataclass(frozen=True, slots=True)
class _Text:
    """The lines of one comment, and the quotation mark that ends it if it is a docstring."""

    lines: list[_Line]
    quote: str = ""


def comment_passages(text: str, language: str) -> list[Passage]:
    """Find the prose in the comments and docstrings of a source file.

    Args:
        text: The source, with whatever line endings it has.
        language: One of the languages of :mod:`srllm_cli.documents.code_tree`.

    Returns:
        The passages in document order.
    """
    comments, _ = parse_code(text, language)
    passages: list[Passage] = []
    for comment in _texts(text, comments):
        if says.is_licence("\n".join(text[line.start : line.end] for line in comment.lines)):
            continue
        for paragraph in _paragraphs(text, comment):
            passage = _passage(text, paragraph, comment.quote)
            if passage is not None:
                passages.append(passage)
    return sorted(passages, key=lambda passage: passage.source_start)


def _passage(text: str, paragraph: list[_Line], quote: str) -> Passage | None:
    passage = make_passage(text, _stretches(paragraph), Block.PARAGRAPH)
    if passage is None or not quote:
        return passage and with_fixed(passage, says.FIXED)
    view = View(text, (Run(0, len(text), 0, len(text)),), _without(quote[0]))
    fixed = with_fixed(passage, re.compile(f"{says.FIXED.pattern}|{quote[0]}"))
    return fixed and replace(fixed, view=view)


def _without(quote: str) -> Callable[[str], str | None]:
    """A docstring takes no words with the mark that ends it."""
    return lambda words: None if quote in words else words


def _stretches(lines: list[_Line]) -> Iterator[Stretch]:
    yield Stretch(PieceKind.TEXT, lines[0].start, lines[0].end)
    for before, line in pairwise(lines):
        yield Stretch(PieceKind.BREAK, before.end, line.start)
        yield Stretch(PieceKind.TEXT, line.start, line.end)


# -- comments to lines ------------------------------------------------------------------------------------------------


def _texts(text: str, comments: list[Comment]) -> Iterator[_Text]:
    """Every block comment, every docstring, and line comments that follow one another in one column as one."""
    group: list[_Line] = []
    before: tuple[str, int, int] | None = None
    for comment in comments:
        mark = _LINE_MARK.match(text, comment.start, comment.end)
        if comment.is_docstring or mark is None:
            made = _docstring(text, comment) if comment.is_docstring else _block(text, comment)
            if made is not None:
                yield made
            continue
        line_start = max(text.rfind("\n", 0, comment.start), text.rfind("\r", 0, comment.start)) + 1
        column = comment.start - line_start
        alone = not text[line_start : comment.start].strip()
        line = _trimmed(text, mark.end(), comment.end, comment.start)
        gap = text[before[2] : comment.start] if before else ""
        follows = before is not None and before[:2] == (mark[0], column) and not gap.strip()
        if not (alone and follows and len(re.findall(r"\r\n?|\n", gap)) == 1):
            if group:
                yield _Text(group)
            group = []
        group.append(line)
        before = (mark[0], column, comment.end) if alone else None
    if group:
        yield _Text(group)


def _block(text: str, comment: Comment) -> _Text | None:
    match = _BLOCK.fullmatch(text, comment.start, comment.end)
    if match is None:
        return None
    lines = []
    for number, line in enumerate(_LINE.finditer(text, *match.span(1))):
        lead = _STAR.match(text, line.start(), line.end()) if number else None
        start = lead.end() if lead else line.start()
        lines.append(_trimmed(text, start, line.end(), start))
    return _Text(lines)


def _docstring(text: str, comment: Comment) -> _Text | None:
    match = _DOCSTRING.fullmatch(text, comment.start, comment.end)
    if match is None:
        return None
    lines = [_trimmed(text, line.start(), line.end(), line.start()) for line in _LINE.finditer(text, *match.span(3))]
    return _Text(lines, match[2])


def _trimmed(text: str, start: int, end: int, column_from: int) -> _Line:
    said = text[start:end]
    left = start + len(said) - len(said.lstrip())
    right = max(start + len(said.rstrip()), left)
    return _Line(left, right, left - column_from) if right > left else _Line(start, start, 0)


# -- lines to paragraphs ----------------------------------------------------------------------------------------------


def _paragraphs(text: str, comment: _Text) -> Iterator[list[_Line]]:
    """Lines that read as one paragraph, without tags and bullets before them and without what is no prose."""
    for group in _runs(text, comment.lines, in_docstring=bool(comment.quote)):
        if not any(says.is_code(text[line.start : line.end]) for line in group):
            yield group


def _runs(text: str, lines: list[_Line], *, in_docstring: bool) -> Iterator[list[_Line]]:
    run: list[_Line] = []
    in_code = in_tag = False
    literal: int | None = None  # the column that a literal block is set in from
    for line in lines:
        said = text[line.start : line.end]
        fence = says.opens_or_closes_code(said)
        if literal is not None and said and line.column <= literal:
            literal = None
        starts_doctest = said.startswith((">>>", "$ "))
        prefix = says.prefix_length(said, in_docstring=in_docstring) if said else 0
        pragma = says.is_pragma(said)
        if fence or in_code or literal is not None or starts_doctest or not said or prefix < 0 or pragma:
            if run:
                yield run
            run = []
            in_tag = (prefix < 0 and not pragma) or starts_doctest or (in_tag and bool(said))
            in_code = in_code != fence
            continue
        in_tag = in_tag and not prefix
        if in_tag:
            continue  # the rest of a tag's block, or a doctest's output
        if run and (prefix or says.is_heading(said) or (line.column > run[-1].column and len(run) > 1)):
            yield run
            run = []
        if said.endswith("::"):
            literal = line.column
        if not says.is_heading(said):
            run.append(_Line(line.start + prefix, line.end, line.column))
        elif run:
            yield run
            run = []
    if run:
        yield run
