"""A check of our own output before it is written: has the document kept its structure?

It parses both texts with the format's own parser, as any other tool would, and shares nothing with the code that found
the passages: what that code got wrong shows here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from srllm_cli.documents.front_matter import front_matter_end

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LINE_END = re.compile(r"\r\n?|\n")
#: Inline tokens that hold words or nothing.
_WORDS = frozenset({"text", "text_special"})


def same_structure(before: str, after: str, format: str) -> bool:
    """Tell whether two versions of a document differ in the words of their prose only.

    Args:
        before: The document as it was.
        after: The document with its passages rewritten.
        format: ``plain`` or ``markdown``.

    Returns:
        For plain text, whether line ends and blank lines are the same. For Markdown, whether also all blocks, marks,
        links, code and HTML are the same, line for line.
    """
    if before == after:
        return True
    if _line_pattern(before) != _line_pattern(after):
        return False
    return format != "markdown" or _same_tokens(before, after)


def _line_pattern(text: str) -> list[tuple[str, bool]]:
    ends = _LINE_END.findall(text)
    lines = _LINE_END.split(text)
    return list(zip([*ends, ""], [not line.strip() for line in lines], strict=True))


def _same_tokens(before: str, after: str) -> bool:
    skipped = front_matter_end(before)
    if before[:skipped] != after[: front_matter_end(after)]:
        return False
    parser = _parser()
    old, new = _skeleton(parser.parse(before[skipped:], {})), _skeleton(parser.parse(after[skipped:], {}))
    missing = object()
    return all(a == next(new, missing) for a in old) and next(new, missing) is missing


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(dollarmath_plugin, allow_space=False, allow_digits=False)
    return parser.disable(["footnote_inline", "footnote_tail"])


def _skeleton(tokens: list[Token]) -> Iterator[tuple[object, ...]]:
    for token in tokens:
        if token.type in _WORDS:
            continue
        content = "" if token.type == "inline" else token.content
        yield token.type, token.markup, token.info, token.nesting, token.map, tuple(token.attrs.items()), content
        if token.type == "inline":
            yield from _skeleton(token.children or [])
