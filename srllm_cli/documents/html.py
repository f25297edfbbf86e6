"""Passages of an HTML document: the text of its blocks, and the ``alt`` and ``title`` of its elements.

Inline tags are hidden, entities are read as the characters they stand for, and everything in an element that holds no
prose (scripts, styles, code, preformatted text) is left alone. Which tags open a block is HTML's own list of inline
elements, turned round: a tag that is not known parts two passages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html import unescape

from srllm_cli.debias.types import Block, Passage, PieceKind
from srllm_cli.documents.html_events import Event, html_events, quoted_attributes
from srllm_cli.documents.pieces import Stretch, make_passage
from srllm_cli.documents.view import ViewBuilder

_INLINE = frozenset(
    "a abbr acronym b bdi bdo big data em font i img ins label mark nobr small span strong sub sup time u wbr".split()  # noqa: SIM905
)
#: Inline elements whose words are shown and stay: code, quotations, what was struck out.
_FIXED = frozenset("cite code del dfn kbd q s samp strike tt var".split())  # noqa: SIM905
_NO_PROSE = frozenset(
    """
    audio canvas iframe listing math noembed noframes object plaintext pre script style svg template textarea video xmp
    """.split()  # noqa: SIM905
)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905
_PROSE_ATTRIBUTES = ("alt", "title")
#: A line break with the blanks round it, or a sign that would mean something in another place.
#: In a text, the beginning of a tag that the document never ends: a sign that is written behind it would.
_UNFINISHED = re.compile(r"<(?=[A-Za-z/!?])")
_BREAK_OR_SIGN = re.compile(r"[ \t\f]*(?:\r\n?|\n)\s*|[&<]")


def html_passages(text: str) -> list[Passage]:
    """Find the prose of an HTML document.

    Args:
        text: The document, with whatever line endings it has, without a byte order mark.

    Returns:
        The passages by where they begin; that of an attribute may lie inside that of a text.
    """
    events = html_events(text)
    unfinished, prose = _unfinished_tag(text, events), list(_prose_events(events))
    fixed: list[str] = []
    found = [p for group in _groups(prose) if (p := _text_passage(text, group, unfinished, fixed)) is not None]
    found += _attribute_passages(text, (event for event in prose if event.start < unfinished))
    return sorted(found, key=lambda passage: passage.source_start)


def _prose_events(events: Iterable[Event]) -> Iterator[Event]:
    """The events outside of elements that hold no prose; each of those is one ``skipped`` event."""
    inside: list[str] = []
    for event in events:
        if inside:
            if event.kind == "open" and event.name == inside[-1] and event.name not in _VOID:
                inside.append(event.name)
            elif event.kind == "close" and event.name == inside[-1]:
                inside.pop()
        elif event.kind == "open" and event.name not in _VOID and _holds_no_prose(event):
            inside.append(event.name)
            yield event._replace(kind="skipped")
        else:
            yield event


def _holds_no_prose(event: Event) -> bool:
    return event.name in _NO_PROSE or ("translate", "no") in event.attributes


def _groups(prose: Iterable[Event]) -> Iterator[list[Event]]:
    """Events that are one passage: from one tag of a block to the next."""
    group: list[Event] = []
    for event in prose:
        is_inline = event.name in _INLINE or event.name in _FIXED or event.name == "br"
        if event.kind == "skipped" or (event.kind in ("open", "close") and not is_inline):
            if group:
                yield group
            group = []
        else:
            group.append(event)
    if group:
        yield group


def _unfinished_tag(text: str, events: Iterable[Event]) -> int:
    """Where a tag begins that is never ended, and so is text to the parser; the text's end where there is none."""
    tags = {match.start() for match in _UNFINISHED.finditer(text)}
    said = (at for e in events if e.kind == "text" for at in range(e.start, e.end) if at in tags)
    return next(said, len(text))


def _text_passage(text: str, group: list[Event], unfinished: int, fixed: list[str]) -> Passage | None:
    """The passage of a group; what stands at or behind ``unfinished`` is shown and stays.

    ``fixed`` holds the open elements whose words stay; one that its block leaves open is still so in the next.
    """
    builder, stretches, at = ViewBuilder(text), list[Stretch](), 0
    for event in group:
        size = event.end - event.start
        shown = unescape(text[event.start : event.end]) if event.kind == "entity" else ""
        kind = PieceKind.FIXED if fixed or event.start > unfinished else PieceKind.TEXT
        if event.kind == "entity" and text[event.end - 1] == ";" and shown[-1:] != ";" and shown.isprintable():
            builder.encoded(shown, event.start, event.end)
            size = len(shown)
            stretches.append(Stretch(kind, at, at + size))
        else:
            builder.literal(event.start, event.end)
            if event.kind == "text":
                stretches += _text_stretches(text, event, at, kind, unfinished)
            elif event.kind == "entity":
                stretches.append(Stretch(PieceKind.FIXED, at, at + size))
            elif event.kind != "other" and event.name == "br":
                stretches.append(Stretch(PieceKind.BREAK, at, at + size))
            elif event.kind != "other" and event.name in _FIXED:
                _open_or_close(fixed, event)
        at += size
    view = builder.view(_escape)
    return None if view is None else make_passage(view.text, stretches, Block.MARKUP, view=view)


def _open_or_close(fixed: list[str], event: Event) -> None:
    if event.kind == "open":
        fixed.append(event.name)
    elif fixed and fixed[-1] == event.name:
        fixed.pop()


def _text_stretches(text: str, event: Event, at: int, kind: PieceKind, unfinished: int) -> Iterator[Stretch]:
    """A text in offsets of the view, where it begins at ``at``."""
    start, shift = event.start, at - event.start
    for match in _BREAK_OR_SIGN.finditer(text, event.start, event.end):
        yield Stretch(kind, start + shift, match.start() + shift)
        sign = PieceKind.FIXED if match[0] in "&<" else PieceKind.BREAK
        yield Stretch(sign, match.start() + shift, match.end() + shift)
        start = match.end()
        if match.start() == unfinished:
            kind = PieceKind.FIXED
    yield Stretch(kind, start + shift, event.end + shift)


def _attribute_passages(text: str, prose: Iterable[Event]) -> Iterator[Passage]:
    for event in prose:
        if event.kind != "open":
            continue
        for attribute in quoted_attributes(text, event):
            if attribute.name in _PROSE_ATTRIBUTES:
                passage = _attribute_passage(text, attribute.start, attribute.end, attribute.quote)
                if passage is not None:
                    yield passage


def _attribute_passage(text: str, start: int, end: int, quote: str) -> Passage | None:
    value = text[start:end]
    builder, stretches, at = ViewBuilder(text), list[Stretch](), 0
    for part in re.finditer(r"&[#\w]+;|[\s\S]", value):
        shown = unescape(part[0]) if len(part[0]) > 1 else part[0]
        builder.encoded(shown, start + part.start(), start + part.end())
        kind = PieceKind.BREAK if shown in "\r\n" else PieceKind.FIXED if part[0] == "&" else PieceKind.TEXT
        stretches.append(Stretch(kind, at, at + len(shown)))
        at += len(shown)
    view = builder.view(_escape_in(quote))
    return None if view is None else make_passage(view.text, stretches, Block.MARKUP, view=view)


def _escape(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;")


def _escape_in(quote: str) -> Callable[[str], str]:
    entity = "&quot;" if quote == '"' else "&#39;"
    return lambda words: _escape(words).replace(quote, entity)
