"""Comments and docstrings of source code, by position: what tree-sitter's grammars say is one.

It knows languages and their grammars, and nothing of what a comment says. A grammar is imported when a file in its
language comes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from tree_sitter import Language, Node, Parser

#: Each language's grammar: its module, and the function there that gives it.
_GRAMMARS = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "c": ("tree_sitter_c", "language"),
    "java": ("tree_sitter_java", "language"),
    "shell": ("tree_sitter_bash", "language"),
    "yaml": ("tree_sitter_yaml", "language"),
    "toml": ("tree_sitter_toml", "language"),
}
_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
_DOCSTRING_PARENTS = frozenset({"module", "function_definition", "class_definition"})


class Comment(NamedTuple):
    """A comment or docstring, its marks included; ``start`` and ``end`` are character offsets."""

    start: int
    end: int
    is_docstring: bool


class Token(NamedTuple):
    """A leaf of the syntax tree that is no comment."""

    kind: str
    start: int
    end: int


def parse_code(text: str, language: str) -> tuple[list[Comment], list[Token]]:
    """The comments of a source file, and all its other tokens, both in order.

    Comments in a stretch that the grammar cannot follow are left out.
    """
    data = text.encode("utf-8", "surrogatepass")
    offsets = _Offsets(text, len(data))
    comments: list[Comment] = []
    tokens: list[Token] = []
    for node, is_certain in _leaves(_parser(language).parse(data).root_node):
        start, end = offsets.character(node.start_byte), offsets.character(node.end_byte)
        is_docstring = language == "python" and _is_docstring(node)
        if node.type not in _COMMENTS and not is_docstring:
            tokens.append(Token(node.type, start, end))
        elif is_certain:
            # Some grammars count the line end as part of a comment.
            comments.append(Comment(start, start + len(text[start:end].rstrip("\r\n")), is_docstring))
    return comments, tokens


@lru_cache(maxsize=len(_GRAMMARS))
def _parser(language: str) -> Parser:
    module, function = _GRAMMARS[language]
    return Parser(Language(getattr(import_module(module), function)()))


def _leaves(root: Node) -> Iterator[tuple[Node, bool]]:
    """Comments, docstrings and leaves in document order, and whether none of them is in an error."""
    stack = [(root, True)]
    while stack:
        node, is_certain = stack.pop()
        is_certain = is_certain and not node.is_error
        if node.type in _COMMENTS or _is_docstring(node) or not node.children:
            yield node, is_certain
        else:
            stack += [(child, is_certain) for child in reversed(node.children)]


def _is_docstring(node: Node) -> bool:
    """Whether a node is a string that is the first statement of a module, class or function."""
    statement = node.parent if node.type == "string" else None
    if statement is None or statement.type != "expression_statement" or statement.named_child_count != 1:
        return False
    block = statement.parent
    if block is None or next((c for c in block.named_children if c.type not in _COMMENTS), None) != statement:
        return False
    owner = block.parent if block.type == "block" else block
    return owner is not None and owner.type in _DOCSTRING_PARENTS


class _Offsets:
    """From a byte's offset in UTF-8 to its character's."""

    def __init__(self, text: str, size: int) -> None:
        self._wide: list[tuple[int, int]] = []  # after each wide character: its end in bytes, in characters
        if size == len(text):
            return
        at = 0
        for number, char in enumerate(text):
            width = len(char.encode("utf-8", "surrogatepass"))
            at += width
            if width > 1:
                self._wide.append((at, number + 1))

    def character(self, byte: int) -> int:
        i = bisect_right(self._wide, byte, key=lambda pair: pair[0]) - 1
        return byte if i < 0 else self._wide[i][1] + byte - self._wide[i][0]
