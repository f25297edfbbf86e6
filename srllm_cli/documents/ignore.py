"""Directives by which a document keeps passages as they are: ``srllm: off``, ``srllm: on`` and ``srllm: ignore``.

Each stands in a comment of the document's own format. ``off`` keeps all passages from there to ``on`` or to the end,
``ignore`` the next one, or the one that it stands in. A directive that is shown in code is none, which is told by the
passages' neighbourhood alone: it must be all that its comment says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from srllm_cli.documents.formats import is_code

if TYPE_CHECKING:
    from srllm_cli.debias.types import Passage

_WORD = r"srllm:[ \t]*(off|on|ignore)"
_HTML = rf"<!--\s*{_WORD}\s*-->"
_MDX = rf"\{{/\*\s*{_WORD}\s*\*/\}}"
_MYST = rf"^[ \t]*%[ \t]*{_WORD}[ \t]*$"
_LINE = rf"(?:#|//|/\*+)[ \t]*{_WORD}[ \t]*(?:\*/)?[ \t]*$"
_PATTERNS = {
    "markdown": (_HTML, _MYST),
    "mdx": (_MDX,),
    "notebook": (_HTML,),
    "html": (_HTML,),
    "rst": (rf"^[ \t]*\.\.[ \t]+{_WORD}[ \t]*$",),
    "asciidoc": (rf"^//[ \t]*{_WORD}[ \t]*$",),
    "po": (rf"^#\.?[ \t]*{_WORD}[ \t]*$",),
}
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)", re.M | re.S)


def without_ignored(text: str, format: str, found: list[Passage]) -> list[Passage]:
    """The passages that no directive of the document keeps."""
    if "srllm:" not in text or not found:
        return found
    kept: set[int] = set()
    off: int | None = None
    for word, start, end in _directives(text, format):
        if word == "off":
            off = start if off is None else off
        elif word == "on":
            if off is not None:
                kept |= {i for i, p in enumerate(found) if off <= p.source_start < end}
            off = None
        else:
            kept |= _ignored(text, found, start, end)
    if off is not None:
        kept |= {i for i, p in enumerate(found) if p.source_start >= off}
    return [passage for i, passage in enumerate(found) if i not in kept]


def _ignored(text: str, found: list[Passage], start: int, end: int) -> set[int]:
    """The passage that a directive stands in or at the end of, or else the first one after it."""
    for i, passage in enumerate(found):
        if passage.source_start >= end:
            return {i}
        between = text[passage.source_end : start]
        if passage.source_start <= start and not between.strip() and "\n" not in between and "\r" not in between:
            return {i}
    return set()


def _directives(text: str, format: str) -> Iterator[tuple[str, int, int]]:
    patterns = (_LINE,) if is_code(format) else _PATTERNS.get(format, ())
    code = [match.span() for match in _FENCE.finditer(text)] if format in ("markdown", "mdx") else []
    matches = [
        match for pattern in patterns for match in re.finditer(pattern.replace("$", r"(?=\r|\n|\Z)"), text, re.M)
    ]
    for match in sorted(matches, key=lambda match: match.start()):
        line_start = text.rfind("\n", 0, match.start()) + 1
        in_code_span = text.count("`", line_start, match.start()) % 2 == 1
        if not in_code_span and not any(start <= match.start() < end for start, end in code):
            yield match[1], match.start(), match.end()
