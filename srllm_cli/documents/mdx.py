"""Passages of MDX: Markdown in which JSX, expressions, imports and exports are code, however many lines they take.

It finds those stretches by their brackets and quotes, apart from Markdown's grammar, which knows none of them, and
fixes what of a passage lies in one. A bracket that never closes is taken to close at the next blank line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from srllm_cli.debias.types import Passage
from srllm_cli.documents.inline import Span
from srllm_cli.documents.markdown import markdown_passages
from srllm_cli.documents.pieces import with_fixed_spans

_MODULE = re.compile(r"^(?:import|export)\b[^\r\n]*", re.M)
_CODE = re.compile(
    r"^[ \t>]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)|(?<!`)(`+)(?!`).+?(?<!`)\2(?!`)", re.M | re.S
)
_OPENING = re.compile(r"(?<!\\)\{|<(?=[A-Za-z/>])")
_BLANK_LINE = re.compile(r"(?:\r\n?|\n)[ \t]*(?=\r|\n|\Z)")
_INSIDE = re.compile(r"[{}>]|\"[^\"\r\n]*\"|'[^'\r\n]*'|`[^`]*`|/\*.*?\*/", re.S)


def mdx_passages(text: str) -> list[Passage]:
    """Find the prose of an MDX document: as in Markdown, less what is code to MDX."""
    spans = sorted(code_spans(text))
    found = (_less(passage, spans) for passage in markdown_passages(text))
    return [passage for passage in found if passage is not None]


def _less(passage: Passage, spans: list[Span]) -> Passage | None:
    inside: list[Span] = []
    for piece in passage.pieces:
        for start, end in spans:
            low, high = max(start, piece.source_start), min(end, piece.source_end)
            if low < high:
                inside.append((piece.start + low - piece.source_start, piece.start + high - piece.source_start))
    return with_fixed_spans(passage, inside) if inside else passage


def code_spans(text: str) -> Iterator[Span]:
    """The stretches that are JSX, expressions, imports or exports."""
    code = [match.span() for match in _CODE.finditer(text)]
    at = 0
    for match in sorted([*_MODULE.finditer(text), *_OPENING.finditer(text)], key=lambda match: match.start()):
        start = match.start()
        if start < at or any(low <= start < high for low, high in code):
            continue
        at = _module_end(text, start) if match[0][0] not in "{<" else _bracket_end(text, start)
        yield start, at


def _module_end(text: str, start: int) -> int:
    """The end of an import's or export's block: the first blank line that no bracket is open at."""
    at = start
    while True:
        blank = _BLANK_LINE.search(text, at)
        end = blank.start() if blank else len(text)
        if end == len(text) or text.count("{", start, end) <= text.count("}", start, end):
            return end
        at = end + 1


def _bracket_end(text: str, start: int) -> int:
    """The end of an expression or a tag, its quotes and inner brackets skipped."""
    is_tag, depth = text[start] == "<", 0
    blank = _BLANK_LINE.search(text, start)
    stop = blank.start() if blank else len(text)
    for match in _INSIDE.finditer(text, start):
        if depth == 0 and match.start() > stop:
            break
        sign = match[0]
        depth += (sign == "{") - (sign == "}")
        if (is_tag and depth == 0 and sign == ">") or (not is_tag and depth == 0 and sign == "}"):
            return match.end()
    return stop
