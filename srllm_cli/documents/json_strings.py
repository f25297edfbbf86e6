"""Where the strings of a JSON text stand, and views of what they say.

The standard library says whether a text is JSON and what it holds; this adds the positions that it does not tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from srllm_cli.documents.view import View, ViewBuilder
from srllm_cli.errors import InputError

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_PART = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]+")

Path = tuple[str | int, ...]


class JsonString(NamedTuple):
    """A string value: the keys and indices that lead to it, and its offsets between the quotes."""

    path: Path
    start: int
    end: int


def load_json(text: str, line: int = 1) -> Any:
    """What a JSON text holds.

    Raises:
        InputError: It is no JSON; ``line`` is the number of its first line in the document.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"not valid JSON at line {line + error.lineno - 1}, column {error.colno}: {error.msg}"
        ) from error


def json_strings(text: str, start: int = 0, end: int | None = None) -> Iterator[JsonString]:
    """Find the string values of a text that is known to be JSON; keys are none."""
    path: list[str | int] = []
    expects_key: list[bool] = []
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        sign = match[0]
        if sign in "[{":
            path.append(0 if sign == "[" else "")
            expects_key.append(sign == "{")
        elif sign in "]}":
            path.pop()
            expects_key.pop()
        elif sign == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
            else:
                expects_key[-1] = True
        elif sign.startswith('"'):
            if expects_key and expects_key[-1]:
                path[-1], expects_key[-1] = json.loads(sign), False
            else:
                yield JsonString(tuple(path), match.start() + 1, match.end() - 1)


def string_view(text: str, spans: Iterable[tuple[int, int]], *, ascii_only: bool) -> View | None:
    """What strings of a JSON text say together, one after another.

    Args:
        text: The document.
        spans: The offsets of each string, between its quotes.
        ascii_only: Whether the document escapes all other characters, so that an edit must too.

    Returns:
        The view; ``None`` when there is nothing in it, or half a character.
    """
    builder = ViewBuilder(text)
    for start, end in spans:
        for match in _PART.finditer(text, start, end):
            if match[0].startswith("\\"):
                builder.encoded(json.loads(f'"{match[0]}"'), *match.span())
            else:
                builder.literal(*match.span())
    view = builder.view(lambda words: json.dumps(words, ensure_ascii=ascii_only)[1:-1])
    return None if view is None or re.search("[\ud800-\udfff]", view.text) else view
