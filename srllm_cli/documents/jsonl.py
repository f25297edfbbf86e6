"""Passages of JSON Lines: the strings of the fields that are asked for, each a plain text of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from srllm_cli.debias.types import Passage
from srllm_cli.documents.json_strings import Path, json_strings, load_json, string_view
from srllm_cli.documents.lines import line_spans
from srllm_cli.documents.plain import plain_passages
from srllm_cli.errors import InputError


def jsonl_passages(text: str, fields: Sequence[str]) -> list[Passage]:
    """Find the prose of a JSON Lines document.

    Args:
        text: The document.
        fields: Keys; ``messages.content`` is the key ``content`` of the objects in ``messages``, listed or not.

    Returns:
        The passages in document order, each with a view of its string.

    Raises:
        InputError: A line is no JSON, no field was named, or one that no line has.
    """
    if not fields:
        raise InputError("JSON Lines need the names of the fields that hold prose", "name them, for instance: text")
    missing = set(fields)
    passages: list[Passage] = []
    ascii_only = text.isascii()
    for number, (start, end) in enumerate(line_spans(text), 1):
        if not text[start:end].strip():
            continue
        load_json(text[start:end], number)
        for string in json_strings(text, start, end):
            name = _field_name(string.path)
            if name not in fields:
                continue
            missing.discard(name)
            view = string_view(text, [(string.start, string.end)], ascii_only=ascii_only)
            if view is not None:
                passages += (replace(passage, view=view) for passage in plain_passages(view.text))
    if missing:
        raise InputError(f"no line has a string in the field {', '.join(sorted(missing))}")
    return passages


def _field_name(path: Path) -> str:
    return ".".join(part for part in path if isinstance(part, str))
