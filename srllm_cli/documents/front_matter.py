"""Where the front matter of a document ends: a convention of site generators, which no Markdown grammar knows.

Its definition is shared by what finds passages and by what checks structure, since generators differ: whatever one of
them would take for front matter is left alone. It looks at the lines of marks only, never at what is between them, so
that no edit of a passage can make front matter or undo it.
"""

from __future__ import annotations

import re

_LINE_END = r"(?:\r\n?|\n)"
_OPENING = re.compile(rf"(---|\+\+\+)[ \t]*{_LINE_END}")
#: How front matter closes, the strict way first: a line that is set in, or of more dashes, closes it to some readers
#: only, and to the others it can be part of a YAML block.
_CLOSINGS = {
    "---": (
        re.compile(rf"{_LINE_END}(?:---|\.\.\.)[ \t]*(?:{_LINE_END}|\Z)"),
        re.compile(rf"{_LINE_END} {{0,3}}-{{3,}}[ \t]*(?:{_LINE_END}|\Z)"),
    ),
    "+++": (re.compile(rf"{_LINE_END}\+\+\+[ \t]*(?:{_LINE_END}|\Z)"),),
}


def front_matter_end(text: str) -> int:
    """Return the offset after the front matter (YAML or TOML) that a document begins with, 0 when it has none."""
    opening = _OPENING.match(text)
    if opening is None:
        return 0
    for closing in _CLOSINGS[opening[1]]:
        # From the line end before, so that an empty front matter closes too.
        if found := closing.search(text, opening.end() - 1):
            return found.end()
    return 0
