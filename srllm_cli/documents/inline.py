"""Which stretches of prose must stay as they are: addresses, paths, code, placeholders and quoted speech.

Pure functions from a string to spans. It knows no document format: plain text and Markdown prose share it. Every scan
is linear in the text, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]

#: A quotation of this many words is somebody's speech; a shorter one is a scare quote, a name or a word in mention.
MIN_QUOTED_WORDS = 3

_CODE = re.compile(r"(?<!`)(`+)(?!`)[^`]+(?<!`)\1(?!`)")
#: Template placeholders and attributes: ``{{ name }}``, ``{% if %}``, ``${HOME}``, ``{name}``. Bounded, so linear.
_BRACES = re.compile(r"\$?\{\{[^{}]{0,400}\}\}|\{%[^{}]{0,400}%\}|\$?\{[^{}]{1,200}\}")
#: Blank-delimited tokens that hold a character of an address or a path. The look-behind makes every token start once.
_TOKEN = re.compile(r"(?<!\S)[^\s/@\\]*[/@\\]\S*")
_OPENING = "([{<\"'“‘«*_"
_CLOSING = ".,;:!?…)]}>\"'”’»*_"
_EMAIL = re.compile(r"(?:mailto:)?[\w.+%-]{1,128}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_HANDLE = re.compile(r"@[\w.-]{1,64}(?:/[\w.-]{1,64})*")
_HOST_AND_PATH = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?::\d{1,5})?/\S*")
_WINDOWS_PATH = re.compile(r"^[A-Za-z]:[\\/]|^\\\\\w|[\w.]\\[\w.]")
_FILE_NAME = re.compile(r"[^/]*\.[A-Za-z]\w{0,7}")
_BARE_DOMAIN = re.compile(
    r"(?<![\w.@/-])(?:www\.[\w-]{1,63}|[A-Za-z0-9][\w-]{0,62})(?:\.[\w-]{1,63}){0,4}"
    r"\.(?:com|org|net|edu|gov|io|info|dev|co\.uk)(?![\w-]|\.\w)"
)
_QUOTE_MARK = re.compile('["“”„«»‘’]')
_PAIRS = {"“": "”", "„": "“”", "«": "»"}


def fixed_spans(text: str, *, code: bool = True) -> list[Span]:
    """Find what a rewrite must not change.

    Args:
        text: The prose of one passage.
        code: Whether back-ticked code counts; Markdown finds its own code spans.

    Returns:
        Sorted half-open spans that neither overlap nor touch.
    """
    spans = [*quoted_spans(text), *_address_spans(text), *(m.span() for m in _BRACES.finditer(text))]
    if code:
        spans += [m.span() for m in _CODE.finditer(text)]
    return merge_spans(spans)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that overlap or touch."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def quoted_spans(text: str) -> list[Span]:
    """Find quoted speech: matching quotation marks, marks included, round at least ``MIN_QUOTED_WORDS`` words.

    A mark whose partner is missing, or comes only after another opening mark of the same kind, quotes nothing.
    """
    return [
        (start, end)
        for start, end in (*_double_quoted(text), *_single_quoted(text))
        if len(text[start + 1 : end - 1].split()) >= MIN_QUOTED_WORDS
    ]


def _double_quoted(text: str) -> Iterator[Span]:
    opened: dict[str, int] = {}  # kind of mark -> where the last one that is still open stands
    for match in _QUOTE_MARK.finditer(text):
        mark, at = match[0], match.start()
        if mark in "‘’":
            continue
        if mark == '"':
            # An opening mark after an open one: the earlier had no partner (an inch sign, a slip), so it is forgotten.
            if _opens(text, at):
                opened[mark] = at
            elif _closes(text, at) and mark in opened:
                yield opened.pop(mark), at + 1
            continue
        for opening, closing in _PAIRS.items():
            if mark in closing and opening in opened:
                yield opened.pop(opening), at + 1
                break
        else:
            if mark in _PAIRS:
                opened[mark] = at


def _single_quoted(text: str) -> Iterator[Span]:
    """Pair ‘ with ’, which is the apostrophe as well: prefer a closing mark that follows punctuation."""
    opened = weak = -1
    for match in re.finditer("[‘’]", text):
        at = match.start()
        if match[0] == "‘":
            if opened >= 0 and weak >= 0:
                yield opened, weak + 1
            opened, weak = (at, -1) if _opens(text, at) else (-1, -1)
        elif opened >= 0 and not text[at + 1 : at + 2].isalnum():
            if text[at - 1] in ".,!?;:…—":
                yield opened, at + 1
                opened = weak = -1
            elif weak < 0 and not _looks_possessive(text, at):
                weak = at
    if opened >= 0 and weak >= 0:
        yield opened, weak + 1


def _looks_possessive(text: str, at: int) -> bool:
    return text[at - 1] in "sS" and text[at + 1 : at + 2] == " " and text[at + 2 : at + 3].islower()


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return (not before or before.isspace() or before in "([{<—–-/:‘'*_=") and bool(after) and not after.isspace()


def _closes(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return bool(before) and not before.isspace() and not after.isalnum()


def _address_spans(text: str) -> Iterator[Span]:
    for match in _TOKEN.finditer(text):
        token = match[0].lstrip(_OPENING)
        start = match.end() - len(token)
        token = token.rstrip(_CLOSING)
        if token and _is_address(token):
            yield start, start + len(token)
    for match in _BARE_DOMAIN.finditer(text):
        yield match.span()


def _is_address(token: str) -> bool:
    """Tell URLs, e-mail addresses, handles and paths from ``and/or`` and ``he/she/they``."""
    if "://" in token or token.startswith(("mailto:", "tel:", "~/", "./", "../")) or _WINDOWS_PATH.search(token):
        return True
    if "@" in token:
        return bool(_EMAIL.fullmatch(token) or _HANDLE.fullmatch(token))
    if _HOST_AND_PATH.fullmatch(token):
        return True
    *folders, last = token.split("/")
    if token.startswith("/"):
        return len(folders) > 1 or bool(_FILE_NAME.fullmatch(last))
    return token[1:3] == ":/" or bool(folders and _FILE_NAME.fullmatch(last))
