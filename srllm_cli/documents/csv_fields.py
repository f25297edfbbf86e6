"""Passages of CSV: the cells of the columns that are asked for, each a plain text of its own; quoting stays.

The standard library reads CSV but tells no positions; this finds the cells itself, by RFC 4180, and takes them only if
they are the very cells that the library reads.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from srllm_cli.debias.types import Passage
from srllm_cli.documents.plain import plain_passages
from srllm_cli.documents.view import View, ViewBuilder
from srllm_cli.errors import InputError

_DELIMITERS = ",\t;|"
_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')


class _Cell(NamedTuple):
    """A cell's offsets, within its quotes if it has them."""

    start: int
    end: int
    quoted: bool


def csv_passages(text: str, fields: Sequence[str]) -> list[Passage]:
    """Find the prose of a CSV document, which names its columns in its first row.

    Args:
        text: The document; its delimiter (comma, tab, semicolon or bar) is told from the first row.
        fields: Names of columns.

    Returns:
        The passages in document order, each with a view of its cell.

    Raises:
        InputError: No column was named, one that is not there, or the document cannot be read.
    """
    if not fields:
        raise InputError("CSV needs the names of the columns that hold prose", "name them, for instance: text")
    delimiter = delimiter_of(text)
    rows = _rows(text, delimiter)
    names = [_value(text, cell) for cell in rows[0]] if rows else []
    if unknown := [field for field in fields if field not in names]:
        raise InputError(f"no column {', '.join(unknown)}; there are {', '.join(names)}")
    columns = [names.index(field) for field in fields]
    passages: list[Passage] = []
    for row in rows[1:]:
        for column in sorted(columns):
            view = _view(text, row[column], delimiter) if column < len(row) else None
            if view is not None:
                passages += (replace(passage, view=view) for passage in plain_passages(view.text))
    return passages


def delimiter_of(text: str) -> str:
    """The delimiter of a CSV document: the one that its first row has most of."""
    first = _LINE_END.split(_QUOTED.sub("", text), maxsplit=1)[0]
    return max(_DELIMITERS, key=first.count)


def _rows(text: str, delimiter: str) -> list[list[_Cell]]:
    unquoted = re.compile(rf"[^\r\n{re.escape(delimiter)}]*")
    rows: list[list[_Cell]] = []
    at = 0
    while at < len(text):
        row: list[_Cell] = []
        while True:
            if quoted := _QUOTED.match(text, at):
                row.append(_Cell(*quoted.span(1), quoted=True))
                at = quoted.end()
            else:
                end = _end(unquoted.match(text, at))
                row.append(_Cell(at, end, quoted=False))
                at = end
            if not text.startswith(delimiter, at):
                break
            at += 1
        line_end = _LINE_END.match(text, at)
        if line_end is None and at < len(text):
            break  # something after a closing quote: the comparison tells
        at = _end(line_end) or at
        rows.append([] if row == [_Cell(row[0].start, row[0].start, quoted=False)] else row)
    _compare(text, delimiter, [[_value(text, cell) for cell in row] for row in rows])
    return rows


def _compare(text: str, delimiter: str, rows: list[list[str]]) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, row in enumerate(reader):
            if number >= len(rows) or rows[number] != row:
                raise InputError(f"the CSV cannot be followed in row {number + 1}", "is a quotation mark left open?")
    except csv.Error as error:
        raise InputError(f"not readable as CSV at line {reader.line_num}: {error}") from error


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _value(text: str, cell: _Cell) -> str:
    value = text[cell.start : cell.end]
    return value.replace('""', '"') if cell.quoted else value


def _view(text: str, cell: _Cell, delimiter: str) -> View | None:
    builder, at = ViewBuilder(text), cell.start
    if cell.quoted:
        for match in re.compile('""').finditer(text, cell.start, cell.end):
            builder.literal(at, match.start())
            builder.encoded('"', *match.span())
            at = match.end()
    builder.literal(at, cell.end)
    return builder.view(_double_quotes if cell.quoted else _bare(delimiter))


def _double_quotes(words: str) -> str:
    return words.replace('"', '""')


def _bare(delimiter: str) -> Callable[[str], str | None]:
    """A cell without quotes takes no words that would need them."""
    return lambda words: None if '"' in words or delimiter in words else words
