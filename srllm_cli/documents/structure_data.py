"""The structure of data files, for the check of our own output: all that they hold but the words of their prose.

Each is read by its format's own library; nothing here knows a passage or a position.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from srllm_cli.documents.csv_fields import delimiter_of
from srllm_cli.documents.structure import markdown_skeleton


def notebook_skeleton(text: str) -> object:
    """A notebook with the structure of its Markdown cells in place of their text."""
    notebook = json.loads(text)
    for sheet in notebook.get("worksheets", [notebook]):
        for cell in sheet["cells"]:
            if cell.get("cell_type") == "markdown":
                source = cell["source"]
                said = source if isinstance(source, str) else "".join(source)
                parts = 1 if isinstance(source, str) else len(source)
                cell["source"] = [parts, list(markdown_skeleton(said))]
    return notebook


def jsonl_skeleton(text: str, fields: Sequence[str]) -> object:
    """The values of each line, but for those of the fields."""
    lines = [line for line in re.split(r"\r\n?|\n", text) if line.strip()]
    return [_without(json.loads(line), [field.split(".") for field in fields]) for line in lines]


def _without(value: Any, fields: list[list[str]]) -> Any:
    if isinstance(value, list):
        return [_without(item, fields) for item in value]
    if isinstance(value, str) and [] in fields:
        return ""
    if isinstance(value, dict):
        return {
            key: _without(item, [field[1:] for field in fields if field and field[0] == key])
            for key, item in value.items()
        }
    return value


def csv_skeleton(text: str, fields: Sequence[str]) -> object:
    """The cells, but for those of the columns."""
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text)))
    prose = {k for k, name in enumerate(rows[0] if rows else []) if name in fields}
    return rows[:1], [[bool(c) if k in prose else c for k, c in enumerate(row)] for row in rows[1:]]


def po_skeleton(text: str) -> object:
    """The entries of a catalogue: their keys, comments, flags, and the placeholders of their translations."""
    import polib

    catalogue = polib.pofile("\n" + text, check_for_duplicates=False)
    return [
        (e.msgctxt, e.msgid, e.msgid_plural, e.flags, e.comment, e.tcomment, e.occurrences, e.obsolete,
         [_placeholders(s) for s in (e.msgstr, *e.msgstr_plural.values())], e.linenum)
        for e in catalogue
    ], catalogue.metadata  # fmt: skip


def _placeholders(said: str) -> list[str]:
    return re.findall(r"%\(\w+\)\w|%[sdi%]|\{\w*\}|</?\w[^<>]*>|\n", said)
