"""Positions of Markdown's inline elements, by following markdown-it-py's own inline rules as they run.

It works on the content of one block and knows neither lines nor documents. Every rule of the parser consumes a stretch
of its input; which rule it was and what tokens it made say whether that stretch is prose, fixed, or mark-up to hide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from functools import cached_property
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from srllm_cli.debias.types import PieceKind
from srllm_cli.documents.pieces import Stretch

#: The signs that each of the parser's rules begins with.
_RULE_SIGNS = {
    "newline": "\n",
    "math_inline": "$",
    "escape": "\\",
    "backticks": "`",
    "strikethrough": "~",
    "emphasis": "*_",
    "link": "[",
    "image": "!",
    "footnote_ref": "[",
    "autolink": "<",
    "html_inline": "<",
    "entity": "&",
}
#: These begin no rule, but would mean something in another place.
_LITERAL_SIGNS = "]|^"
_ALL_SIGNS = "".join(_RULE_SIGNS.values()) + _LITERAL_SIGNS
_SIGN = re.compile(f"[{re.escape(_ALL_SIGNS)}]")
#: The one sign that is prose when no rule takes it.
_PLAIN_SIGNS = "!"
#: Every sign costs a call of the parser. A long block in which one character in four is a sign is data, not prose.
_LONG = 20_000
_DENSE = 4
#: Stands for pending text: delimiter runs are told apart by the text between them, but not by what it says, and a long
#: text that is kept and grown would cost quadratic time.
_SOME_TEXT = "x"
_LINE_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_VERBATIM_TAG = re.compile(
    r"<(code|kbd|samp|var|tt|pre|script|style|textarea|math|svg|q|cite|del|s|strike)\b[^>]*(?<!/)>", re.IGNORECASE
)

Environment = MutableMapping[str, Any]


class UnmappedError(Exception):
    """A block's inline structure could not be followed with certainty."""


class _Found:
    """A stretch that a rule consumed; for a run of delimiters, the token that will tell whether it became mark-up."""

    __slots__ = ("end", "kind", "start", "token")

    def __init__(self, kind: PieceKind | None, start: int, end: int, token: Token | None = None) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.token = token


class _TrackedState(StateInline):
    """An inline state that collects what the rules consume."""

    def __init__(self, src: str, md: MarkdownIt, env: Environment) -> None:
        super().__init__(src, md, env, [])
        self.found: list[_Found] = []
        self.label_end = -1


class _TrackedInline(ParserInline):
    """The inline parser, with a tokenizer that notes every stretch. Nested labels come through it as well."""

    def tokenize(self, state: StateInline) -> None:
        if not isinstance(state, _TrackedState):  # an image's description, parsed apart
            super().tokenize(state)
            return
        end = state.posMax
        while state.pos < end:
            start = state.pos
            sign = _SIGN.search(state.src, start, end)
            stop = sign.start() if sign else end
            if stop > start:
                state.found.append(_Found(PieceKind.TEXT, start, stop))
                state.pos, state.pending = stop, _SOME_TEXT
                continue
            noted = len(state.found)
            # A rule that makes a token flushes the pending text as a token first.
            made = len(state.tokens) + bool(state.pending)
            if self._run_rules(state):
                state.pending = _SOME_TEXT if state.pending else ""
                if state.pos > end:
                    raise UnmappedError
                _note(state, start, state.tokens[made:], noted)
            else:
                state.pos, state.pending = start + 1, _SOME_TEXT
                kind = PieceKind.TEXT if state.src[start] in _PLAIN_SIGNS else PieceKind.FIXED
                state.found.append(_Found(kind, start, start + 1))
        if state.pending:
            state.pushPending()
        state.label_end = end

    @cached_property
    def _rules_by_sign(self) -> dict[str, list[Callable[[StateInline, bool], bool]]]:
        rules = dict(zip(self.ruler.get_active_rules(), self.ruler.getRules(""), strict=True))
        return {sign: [rules[name] for name in rules if sign in _RULE_SIGNS[name]] for sign in _ALL_SIGNS}

    def _run_rules(self, state: StateInline) -> bool:
        if state.level >= state.md.options["maxNesting"]:
            return False
        start = state.pos
        for rule in self._rules_by_sign[state.src[start]]:
            if rule(state, False):
                if state.pos <= start:
                    raise UnmappedError
                return True
        return False


def _note(state: _TrackedState, start: int, made: list[Token], noted: int) -> None:
    """Say what the stretch is that a rule has just consumed."""
    end, sign, found = state.pos, state.src[start], state.found
    if sign in "*_~":
        _note_delimiters(found, start, end, made)
    elif sign == "\n" or (sign == "\\" and state.src[start + 1] == "\n"):
        found.append(_Found(PieceKind.BREAK, start, end))
    elif sign == "[" and made and made[0].type == "link_open":
        if state.src[state.label_end : end] in ("]", "][]"):
            # The label is the key of a reference definition: to change it is to break the link.
            for item in found[noted:]:
                item.kind = PieceKind.FIXED if item.kind is PieceKind.TEXT else item.kind
    elif sign == "!" or (made and made[0].type == "footnote_ref"):
        return  # an image or a footnote's mark: hidden
    elif made and made[0].type == "html_inline":
        found.append(_Found(None, start, end, made[0]))
    else:  # code, an autolink, an entity, an escape, a formula; a lone backtick
        found.append(_Found(PieceKind.FIXED, start, end))


def _note_delimiters(found: list[_Found], start: int, end: int, made: list[Token]) -> None:
    for token in made:
        if token.type != "text":
            raise UnmappedError
        found.append(_Found(PieceKind.FIXED, start, start + len(token.content), token))
        start += len(token.content)
    if start != end:
        raise UnmappedError


class InlineTracker:
    """A configured Markdown parser (CommonMark, GFM tables and strikethrough, footnotes, formulas)."""

    def __init__(self) -> None:
        self._md = MarkdownIt("commonmark")
        self._inline = _TrackedInline()
        self._md.inline = self._inline
        self._md.configure("commonmark").enable(["table", "strikethrough"])
        self._md.use(footnote_plugin).use(dollarmath_plugin, allow_space=False, allow_digits=False)
        self._md.disable(["footnote_inline", "text", "fragments_join"])

    def blocks(self, text: str, environment: Environment) -> list[Token]:
        """Parse the block structure: tokens whose ``inline`` ones are not parsed yet; the environment is for those."""
        tokens: list[Token] = []
        normalised = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
        self._md.block.parse(normalised, self._md, environment, tokens)
        return tokens

    def stretches(self, content: str, environment: Environment) -> list[Stretch]:
        """Find what is to be shown of a block's content, in offsets of the content.

        Raises:
            UnmappedError: A rule did something that leaves positions in doubt, or the content is no prose.
        """
        if len(content) > _LONG and len(_SIGN.findall(content)) * _DENSE > len(content):
            raise UnmappedError
        state = _TrackedState(content, self._md, environment)
        self._inline.tokenize(state)
        for rule in self._inline.ruler2.getRules(""):
            rule(state)
        return _resolve(content, state.found)


def _resolve(content: str, found: list[_Found]) -> list[Stretch]:
    """Drop the marks that turned out to be mark-up, and fix what stands in verbatim HTML elements."""
    stretches: list[Stretch] = []
    closing = ""
    for item in found:
        if item.kind is None:
            tag = content[item.start : item.end]
            if closing:
                closing = "" if tag.lower().startswith(closing) else closing
            elif opened := _VERBATIM_TAG.fullmatch(tag):
                closing = f"</{opened[1].lower()}"
            elif _LINE_BREAK_TAG.fullmatch(tag):
                stretches += _break_tag(content, item)
        elif item.token is None or (item.token.type == "text" and item.token.content):
            kind = PieceKind.FIXED if closing and item.kind is PieceKind.TEXT else item.kind
            stretches.append(Stretch(kind, item.start, item.end))
    return stretches


def _break_tag(content: str, item: _Found) -> list[Stretch]:
    """``<br>`` reads as a blank, unless there is one beside it."""
    around = content[item.start - 1 : item.start] + content[item.end : item.end + 1]
    if len(around) < 2 or any(map(str.isspace, around)):
        return []
    return [Stretch(PieceKind.BREAK, item.start, item.end)]
