"""The structure of an HTML document, for the check of our own output: tags, attributes, comments, scripts, code.

It knows the standard library's parser only, nothing of passages and positions.
"""

from __future__ import annotations

from html.parser import HTMLParser

#: Attributes whose values are words.
_WORDS = frozenset({"alt", "title"})
#: Elements whose text is compared as it stands, and those among them that may lack an end tag.
_VERBATIM = frozenset("code kbd math pre q samp script style svg template textarea tt var".split())  # noqa: SIM905


def html_skeleton(text: str) -> list[tuple[object, ...]]:
    """All that a document holds besides the words of its prose."""
    parser = _Skeleton()
    parser.feed(text)
    parser.close()
    return parser.found


class _Skeleton(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[object, ...]] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = tuple((name, "" if name in _WORDS and value else value) for name, value in attrs)
        self.found.append(("open", tag, kept))
        if tag in _VERBATIM:
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(("empty", tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(("close", tag))
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(("text", data))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("declaration", decl))

    def unknown_decl(self, data: str) -> None:
        self.found.append(("declaration", data))

    def handle_pi(self, data: str) -> None:
        self.found.append(("instruction", data))
