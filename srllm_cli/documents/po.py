"""Passages of a gettext catalogue (``.po``): its translations, by position; the original strings are keys.

polib reads the catalogue; this finds the strings of each ``msgstr`` again, and takes them only if together they say
what polib reads. Placeholders, tags and roles in a translation stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polib

from srllm_cli.debias.types import Passage
from srllm_cli.documents.lines import line_spans
from srllm_cli.documents.pieces import with_fixed
from srllm_cli.documents.plain import plain_passages
from srllm_cli.documents.view import View, ViewBuilder
from srllm_cli.errors import InputError

_LINE = re.compile(r'\s*(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s*)?"((?:[^"\\]|\\.)*)"\s*')
_PART = re.compile(r"\\.|[^\\]+", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
#: What a program puts in or takes out: ``%s``, ``%(name)d``, tags, roles and references of documentation.
_FIXED = re.compile(
    r"%(?:\(\w+\)|\d+\$)?[-+#0]*(?:\d+|\*)?(?:\.\d+)?[hlLzjt]*[a-zA-Z%]|%\w*|</?[A-Za-z][^<>]*>"
    r"|:[\w:+.-]+:`[^`]*`|`[^`]*`_{1,2}|\{[^{}]*\}|\*\*?|\\[\s\S]?|\||&(?=\w)"
)


#: What words may not bring into a translation.
_MARKS = re.compile(r"[%{}<>&`*|\\]")


@dataclass
class _String:
    """One string of an entry: its keyword, and the offsets of its parts between their quotes."""

    keyword: str
    parts: list[tuple[int, int]] = field(default_factory=list)


def po_passages(text: str) -> list[Passage]:
    """Find the prose of a catalogue.

    Args:
        text: The catalogue, with whatever line endings it has.

    Returns:
        The passages of the translations in document order, each with a view of its strings. The header, and entries
        that are obsolete, have none.

    Raises:
        InputError: The text is no catalogue.
    """
    translations = list(_translations(text))
    views = [_view(text, string.parts) for string in translations]
    if ["" if view is None else view.text for view in views] != _read(text):
        raise InputError("the strings of the catalogue cannot be followed", "check it with: msgfmt --check")
    passages: list[Passage] = []
    for view in views:
        if view is not None:
            found = (with_fixed(passage, _FIXED) for passage in plain_passages(view.text))
            passages += (replace(passage, view=view) for passage in found if passage is not None)
    return passages


def _read(text: str) -> list[str]:
    """The translations as polib reads them."""
    try:
        # The leading line end sees to it that the text is taken for no file's name.
        catalogue = polib.pofile("\n" + text, check_for_duplicates=False)
    except (OSError, UnicodeError, ValueError) as error:
        told = re.sub(r"(?<=\bline )\d+", lambda line: str(int(line[0]) - 1), str(error))
        raise InputError(f"not a gettext catalogue: {told}") from error
    found: list[str] = []
    for entry in catalogue:
        if not entry.obsolete:
            plural = entry.msgstr_plural
            found += [plural[key] for key in sorted(plural)] if plural else [entry.msgstr]
    return found


def _translations(text: str) -> Iterator[_String]:
    """Every ``msgstr`` but the header's."""
    strings: list[_String] = []
    for start, end in line_spans(text):
        match = _LINE.fullmatch(text, start, end)
        if match is None:
            continue
        if match[1]:
            strings.append(_String(match[1]))
        if strings:
            strings[-1].parts.append(match.span(2))
    original = context = ""
    for string in strings:
        said = "".join(text[start:end] for start, end in string.parts)
        if string.keyword == "msgctxt":
            context = said
        elif string.keyword == "msgid":
            original = said or context
            context = ""
        elif string.keyword.startswith("msgstr") and original:
            yield string


def _view(text: str, parts: list[tuple[int, int]]) -> View | None:
    builder = ViewBuilder(text)
    for start, end in parts:
        for match in _PART.finditer(text, start, end):
            if match[0].startswith("\\"):
                builder.encoded(_ESCAPES.get(match[0][1], match[0]), *match.span())
            else:
                builder.literal(*match.span())
    return builder.view(_write)


def _write(words: str) -> str | None:
    """Words as a string of a catalogue; none that could be a placeholder or mark-up."""
    return None if _MARKS.search(words) else words.replace('"', '\\"')
