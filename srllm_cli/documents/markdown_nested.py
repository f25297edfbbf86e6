"""Markdown inside what CommonMark takes for code: MyST's directives in fences, MkDocs' admonitions and tabs.

It says which code token of a parse is a document of its own, and nothing else; the reader and the check of structure
both ask it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it.token import Token

#: MyST directives whose content is prose.
_MYST = re.compile(
    r"\{(?:attention|caution|danger|error|hint|important|note|tip|warning|admonition|seealso|versionadded|versionchanged"
    r"|deprecated|topic|sidebar|margin|epigraph|dropdown|card|grid|grid-item|grid-item-card|tab-item|tab-set|exercise"
    r"|solution|proof|theorem|list-table)\}.*"
)
_MYST_OPTION = re.compile(r":[\w-]+:(?:\s.*)?")
_MKDOCS = re.compile(r"(?:!!!|\?\?\?\+?)\s+\w.*|===[!+]?\s+\".*")


class Nested(NamedTuple):
    """A document in a document: its text, and the number of the line it begins on."""

    content: str
    line: int


def nested_document(tokens: list[Token], i: int) -> Nested | None:
    """The Markdown that a fence or an indented block holds; ``None`` where it is code."""
    token = tokens[i]
    if token.map is None:
        return None
    if token.type == "fence" and _MYST.fullmatch(token.info.strip()):
        lines = token.content.split("\n")
        options = next((n for n, line in enumerate(lines) if not _MYST_OPTION.fullmatch(line.strip())), len(lines))
        return Nested("\n".join(lines[options:]), token.map[0] + 1 + options)
    if token.type == "code_block" and i >= 2 and tokens[i - 1].type == "paragraph_close":
        head = tokens[i - 2].content.split("\n", 1)[0]
        if _MKDOCS.fullmatch(head.strip()):
            return Nested(token.content, token.map[0])
    return None
