"""Passages of a reStructuredText document, by source position.

docutils tells the blocks, the line of each and the source of every inline element, but no position. A block's words are
laid back on its lines, and its inline elements one after another on those words; a block that does not match to the
character is no passage. Tables drawn with signs are left alone: their columns would not bear a longer word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from docutils import nodes

from srllm_cli.debias.types import Block, Passage, PieceKind
from srllm_cli.documents.bearing import width
from srllm_cli.documents.lines import in_document, line_spans, locate
from srllm_cli.documents.pieces import Stretch, make_passage
from srllm_cli.documents.rst_parser import parse_rst

#: Signs that start no mark-up where they stand, but would in another place; an escape is one with what it escapes, and
#: a word with underscores is one: it is an identifier, and with blanks in it would be a reference.
_SIGN = re.compile(r"\\[\s\S]?|\w*_\w*|[*`|\[\]<>:]+|\n")
_LINE_OF_SIGNS = re.compile(r"[^\w\s]+")
_LITERAL_FOLLOWS = re.compile(r"\s*:{1,2}")
#: Fields that hold data: types of a signature, settings of a page.
_DATA_FIELD = re.compile(r"(?:type|rtype|vartype|author|authors|date|version|revision|status|organization|contact)\b.*")
#: What holds no prose of the document's own, or cannot bear a change.
_LEFT_ALONE = (nodes.table, nodes.line_block, nodes.docinfo, nodes.system_message, nodes.substitution_definition)


class _UnmappedError(Exception):
    """An inline element that is not where it must be."""


def rst_passages(text: str) -> list[Passage]:
    """Find the prose of a reStructuredText document: paragraphs, titles, list items, definitions, notes, footnotes.

    Args:
        text: The document, with whatever line endings it has, without a byte order mark.

    Returns:
        The passages in document order. Literals, references, roles and substitutions are FIXED pieces.
    """
    document = parse_rst(text)
    lines = line_spans(text)
    referenced = {str(node["refname"]) for node in document.findall(nodes.reference) if "refname" in node}
    passages: list[Passage] = []
    for node in document.findall(nodes.TextElement):
        if not isinstance(node, (nodes.paragraph, nodes.title)) or not _is_prose(node, referenced):
            continue
        passage = _passage(node, text, lines)
        if passage is not None and (not passages or passages[-1].source_end <= passage.source_start):
            passages.append(passage)
    return passages


def _is_prose(node: nodes.Element, referenced: set[str]) -> bool:
    if isinstance(node, nodes.title) and nodes.fully_normalize_name(node.astext()) in referenced:
        return False  # its words are the name that links go to
    above = node.parent
    while above is not None:
        if isinstance(above, _LEFT_ALONE):
            return False
        if isinstance(above, nodes.field) and (_DATA_FIELD.fullmatch(above[0].astext()) or _opens(above)):
            return False
        above = above.parent
    return True


def _opens(field: nodes.Element) -> bool:
    """Whether a field is of the list that a document begins with: its metadata."""
    fields = field.parent
    return fields is not None and isinstance(fields.parent, nodes.document) and fields.parent.index(fields) == 0


def _passage(node: nodes.Element, text: str, lines: list[tuple[int, int]]) -> Passage | None:
    is_title = isinstance(node, nodes.title)
    content = node.rawsource
    if node.line is None or any(_LINE_OF_SIGNS.fullmatch(line.strip()) for line in content.split("\n")):
        return None
    number = node.line - (2 if is_title else 1)
    located = locate(content, number, text, lines)
    limit = None
    if is_title:
        limit = _underline(text, lines, number + 1)
        if limit is None or width(content) > limit:
            return None
    if located is None:
        return None
    try:
        stretches = list(_stretches(content, node.children))
    except _UnmappedError:
        return None
    passage = make_passage(text, in_document(content, stretches, located, range(len(located))), Block.RST)
    if passage is None or limit is None:
        return passage
    # What is hidden at either end of the title takes its room too.
    return replace(passage, limit=limit - width(content) + width(text[passage.source_start : passage.source_end]))


def _underline(text: str, lines: list[tuple[int, int]], number: int) -> int | None:
    """The width of the line of signs under a title."""
    if number >= len(lines):
        return None
    start, end = lines[number]
    adornment = text[start:end].rstrip()
    return len(adornment) if _LINE_OF_SIGNS.fullmatch(adornment) else None


def _stretches(content: str, children: list[nodes.Node]) -> Iterator[Stretch]:
    """Lay the inline elements one after another on a block's source."""
    at = 0
    for child in children:
        if isinstance(child, nodes.Text):
            raw = str(child).replace("\0", "\\")
            if not content.startswith(raw, at) or _near_role(content, at, at + len(raw)):
                raise _UnmappedError
            yield from _text(content, at, at + len(raw))
        elif isinstance(child, nodes.Element):
            raw = child.rawsource
            if isinstance(child, nodes.target) and content.endswith(f"{raw.strip()}`_", 0, at):
                continue  # inside the reference before it
            if not raw or not content.startswith(raw, at):
                raise _UnmappedError
            yield from _element(child, content, at, at + len(raw))
        at += len(raw)
    if at < len(content):
        if not _LITERAL_FOLLOWS.fullmatch(content, at):
            raise _UnmappedError
        yield Stretch(PieceKind.FIXED, at + len(content[at:]) - len(content[at:].lstrip()), len(content))


def _near_role(content: str, start: int, end: int) -> bool:
    """Whether a colon touches a back-quote beside a text: an edit could make a role of it."""
    return content[end - 1 : end + 1] == ":`" or content[max(start - 1, 0) : start + 1] == "`:"


def _text(content: str, start: int, end: int) -> Iterator[Stretch]:
    for match in _SIGN.finditer(content, start, end):
        yield Stretch(PieceKind.TEXT, start, match.start())
        kind = PieceKind.BREAK if match[0].endswith("\n") else PieceKind.FIXED
        yield Stretch(kind, match.start(), match.end())
        start = match.end()
    yield Stretch(PieceKind.TEXT, start, end)


def _element(node: nodes.Element, content: str, start: int, end: int) -> Iterator[Stretch]:
    if isinstance(node, (nodes.footnote_reference, nodes.citation_reference)):
        return
    shown = node.astext().replace("\0", "\\")
    found = content.find(shown, start, end) if shown else -1
    if isinstance(node, (nodes.emphasis, nodes.strong)):
        mark = 2 if isinstance(node, nodes.strong) else 1
        if shown and not re.search(r"[*_`|\\\[\]<>:]", shown):
            yield from _text(content, start + mark, end - mark)
            return
    if found < 0:
        yield Stretch(PieceKind.FIXED, start, end)
    else:
        yield Stretch(PieceKind.FIXED, found, found + len(shown))
