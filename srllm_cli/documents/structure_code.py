"""The structure of source code, for the check of our own output: every token but comments, and where comments are."""

from __future__ import annotations

import re

from srllm_cli.documents.code_tree import parse_code

#: Lines of comments that must stay to the letter.
_TOOL_LINE = re.compile(r"noqa|type:|eslint|go:\w|SPDX|>>>|\*/|/\*|\"\"\"|'''|srllm:")


def code_skeleton(text: str, language: str) -> list[tuple[object, ...]]:
    """All tokens with their text and line, and of comments their line, their mark and what speaks to a tool."""
    comments, tokens = parse_code(text, language)
    found: list[tuple[object, ...]] = [
        (token.kind, text.count("\n", 0, token.start), text[token.start : token.end]) for token in tokens
    ]
    for comment in comments:
        said = text[comment.start : comment.end]
        mark = re.match(r"\W*", said)
        kept = _TOOL_LINE.findall(said)
        found.append(("comment", text.count("\n", 0, comment.start), said.count("\n"), mark and mark[0][:2], kept))
    return found
