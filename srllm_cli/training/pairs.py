"""Debiasing pairs from disk, validated row by row (``data/GUIDELINES.md`` describes a record).

Reads JSON Lines, CSV (the full form, or just ``biased_text`` and ``debiased_text``, the columns of SR_LLM's own data)
and folders of them. It knows nothing of tokens, splits or models.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from srllm_cli.debias.types import DIMENSIONS
from srllm_cli.errors import DataError

SUFFIXES = (".jsonl", ".csv")
NO_DIMENSION = "none"


class Pair(BaseModel):
    """One text and its debiased version. For a neutral text both are the same string."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    biased_text: str
    debiased_text: str
    label: Literal["biased", "neutral"]
    dimension: str = NO_DIMENSION
    domain: str = ""
    biased_spans: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Pair:
        if not self.biased_text.strip() or not self.debiased_text.strip():
            raise ValueError("a text is empty")
        if self.label == "neutral" and self.biased_text != self.debiased_text:
            raise ValueError("a neutral record changes its text")
        if self.label == "biased" and self.biased_text == self.debiased_text:
            raise ValueError("a biased record leaves its text unchanged")
        if self.dimension not in (*DIMENSIONS, NO_DIMENSION):
            raise ValueError(f"unknown dimension {self.dimension!r}")
        if (self.label == "neutral") != (self.dimension == NO_DIMENSION):
            raise ValueError(f"label {self.label!r} and dimension {self.dimension!r} contradict each other")
        for span in self.biased_spans:
            if span not in self.biased_text:
                raise ValueError(f"biased span {span!r} is not in biased_text")
        for fact in self.keep:
            if fact not in self.biased_text or fact not in self.debiased_text:
                raise ValueError(f"keep {fact!r} is not in both texts")
        return self


def read_pairs(paths: Sequence[Path]) -> list[Pair]:
    """Read every record of the files (and of the files in the folders), in a fixed order.

    Raises:
        DataError: naming file and row, when a file is missing or a record breaks its form, or an id occurs twice.
    """
    pairs: list[Pair] = []
    seen: dict[str, str] = {}
    for path in _files(paths):
        for row, pair in _read_file(path):
            where = f"{path}:{row}"
            if pair.id in seen:
                raise DataError(f"{where}: id {pair.id!r} was already used at {seen[pair.id]}")
            seen[pair.id] = where
            pairs.append(pair)
    if not pairs:
        raise DataError("no records in " + ", ".join(map(str, paths)), hint="give .jsonl or .csv files, or a folder")
    return pairs


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Return a SHA-256 over the records' content: the data's identity in recipes, cards and GGUF metadata."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(pair.model_dump_json().encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)
        elif not path.exists():
            raise DataError(f"{path}: no such file or folder")
        elif path.suffix not in SUFFIXES:
            raise DataError(f"{path}: unknown kind of data file", hint="use .jsonl or .csv")
        else:
            yield path


def _read_file(path: Path) -> Iterator[tuple[int, Pair]]:
    """Yield (row number counted from 1, record)."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = _json_rows(path, stream) if path.suffix == ".jsonl" else _csv_rows(path, stream)
            for row, values in rows:
                try:
                    yield row, Pair.model_validate(values)
                except ValidationError as error:
                    first = error.errors()[0]
                    field = ".".join(str(part) for part in first["loc"])
                    message = first["msg"].removeprefix("Value error, ")
                    raise DataError(f"{path}:{row}: {field + ': ' if field else ''}{message}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error


def _json_rows(path: Path, stream: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            yield row, json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{row}: not JSON: {error}") from error


def _csv_rows(path: Path, stream: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Fill in what SR_LLM's two-column files leave out: id from the row, label from whether the texts differ."""
    reader = csv.DictReader(stream)
    columns = set(reader.fieldnames or ())
    if missing := {"biased_text", "debiased_text"} - columns:
        raise DataError(f"{path}:1: missing column {', '.join(sorted(missing))}", hint="see docs/data.md")
    for row, values in enumerate(reader, 2):
        if None in values or None in values.values():
            raise DataError(f"{path}:{row}: the row has another number of cells than the header")
        changed = values["biased_text"] != values["debiased_text"]
        record: dict[str, Any] = {"id": f"{path.stem}-{row - 1:05}", "label": "biased" if changed else "neutral"}
        if changed and "dimension" not in values:
            raise DataError(f"{path}:{row}: a biased record needs a dimension", hint="add a column 'dimension'")
        record |= {key: value for key, value in values.items() if value != ""}
        for key in ("biased_spans", "keep"):
            if isinstance(record.get(key), str):
                record[key] = json.loads(record[key])
        yield row, record
