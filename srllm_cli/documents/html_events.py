"""The tokens of an HTML document with the offsets of each: tags, texts, entities, comments.

The standard library's parser reads the document; what it says is laid back on the text, and a token that is not where
it must be is a fault that is told. It knows no passages.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

from srllm_cli.errors import InputError

_ENTITY = re.compile(r"&(?:#[xX][0-9A-Fa-f]+|#[0-9]+|[A-Za-z][A-Za-z0-9]*);?")
_TAG_NAME = re.compile(r"<[^\s/>]+")
_ATTRIBUTE = re.compile(r"[\s/]*([^\s/>=\"'][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"'][^\s>]*)))?")


class Event(NamedTuple):
    """One token: ``kind`` is ``open``, ``close``, ``text``, ``entity`` or ``other`` (a comment, a declaration)."""

    kind: str
    start: int
    end: int
    name: str = ""
    attributes: tuple[tuple[str, str | None], ...] = ()


class Attribute(NamedTuple):
    """A quoted attribute and the offsets of its value."""

    name: str
    start: int
    end: int
    quote: str


class _Parser(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self._text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.starts: list[Event] = []
        self.feed(text)
        self.close()

    def _note(self, kind: str, name: str = "", attributes: list[tuple[str, str | None]] | None = None) -> None:
        line, column = self.getpos()
        start = self._line_starts[line - 1] + column
        self.starts.append(Event(kind, start, start, name, tuple(attributes or ())))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note("open", tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note("open", tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._note("close", tag)

    def handle_data(self, data: str) -> None:
        self._note("text", data)

    def handle_entityref(self, name: str) -> None:
        self._note("entity")

    def handle_charref(self, name: str) -> None:
        self._note("entity")

    def handle_comment(self, data: str) -> None:
        self._note("other", data)

    def handle_decl(self, decl: str) -> None:
        self._note("other", decl)

    def unknown_decl(self, data: str) -> None:
        self._note("other", data)

    def handle_pi(self, data: str) -> None:
        self._note("other", data)


def html_events(text: str) -> list[Event]:
    """The tokens of a document, in order and without gaps.

    Raises:
        InputError: The parser's tokens cannot be found in the text.
    """
    starts = _Parser(text).starts
    events: list[Event] = []
    for number, event in enumerate(starts):
        end = starts[number + 1].start if number + 1 < len(starts) else len(text)
        if end < event.start or (event.kind == "text" and not text.startswith(event.name, event.start)):
            line = bisect_left([m.start() for m in re.finditer("\n", text)], event.start) + 1
            raise InputError(f"the HTML cannot be followed from line {line} on")
        if event.kind == "entity":
            match = _ENTITY.match(text, event.start)
            end = min(end, match.end()) if match else end
        events.append(event._replace(end=end))
    return events


def quoted_attributes(text: str, event: Event) -> Iterator[Attribute]:
    """The attributes of an opening tag that have a value in quotes; none when they cannot be told apart for certain."""
    name = _TAG_NAME.match(text, event.start)
    at = name.end() if name else event.end
    read: list[tuple[str, str | None]] = []
    found: list[Attribute] = []
    while match := _ATTRIBUTE.match(text, at, event.end):
        values = [k for k in (2, 3, 4) if match[k] is not None]
        read.append((match[1].lower(), unescape(match[values[0]]) if values else None))
        if values and values[0] != 4:
            found.append(Attribute(match[1].lower(), *match.span(values[0]), '"' if values[0] == 2 else "'"))
        at = match.end()
    if tuple(read) == event.attributes:
        yield from found
