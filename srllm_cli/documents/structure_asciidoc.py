"""The structure of an AsciiDoc document, for the check of our own output: its lines, by what each begins and holds.

There is no parser to ask, so every sign that could mean something counts: with the line it is on, and what stands on
either side of it.
"""

from __future__ import annotations

import re

_LEAD = re.compile(r"\s*(?:[^\w\s\"'“‘«(]+|(?:\d{1,9}|[A-Za-z]|[ivxlcdmIVXLCDM]{1,9})[.)](?=\s|\Z)|[A-Z]+:(?=\s)|)")
_SIGNS = re.compile(r"[`*_#^~+|\\\[\]<>{}&$]+|::+|;;|\(\(|\)\)|--|->|=>|://")


def asciidoc_skeleton(text: str) -> list[object]:
    """What each line begins with, and the signs in it with the kind of character on either side."""
    found: list[object] = []
    for line in re.split(r"\r\n?|\n", text):
        lead = _LEAD.match(line)
        signs = [
            (m[0], _kind(line[max(m.start() - 1, 0) : m.start()]), _kind(line[m.end() : m.end() + 1]))
            for m in _SIGNS.finditer(line)
        ]
        found.append((lead and lead[0], signs))
    return found


def _kind(char: str) -> str:
    return " " if not char or char.isspace() else "a" if char.isalnum() else char
