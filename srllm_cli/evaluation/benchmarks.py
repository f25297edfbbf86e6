"""Outside benchmark files: read, checked row by row, and turned into texts.

A file holds one JSON object a line: ``id``, ``text``, ``label`` (``biased`` or ``neutral``) and what its source adds.
The sets are read by path and never shipped. Which figures a set gives is in ``figures``; this knows no metric.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from srllm_cli.errors import DataError
from srllm_cli.evaluation.texts import EvalText, Label, length_group

BOLD, CROWS, HATECHECK, TOXIGEN = "bold_wikipedia", "crows_pairs", "hatecheck", "toxigen_mbias"

#: HateCheck tests labelled "not hateful" whose texts are insults or strong profanity, which the guideline calls biased.
CONTESTED_FUNCTIONALITIES = ("profanity_nh", "target_indiv_nh", "target_group_nh", "target_obj_nh")
#: Fields that figures are broken down by, where a file has them.
GROUPINGS = ("dimension", "functionality", "group")
#: Fields that hold other systems' outputs on the same texts.
READY_COLUMNS = ("mbias_7b", "mistral_7b_prompted")

NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class BenchmarkRow(BaseModel):
    """One line of a benchmark file. Fields of its source that nothing here uses are allowed and dropped."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    id: NonEmpty
    text: NonEmpty
    label: Label
    references: list[NonEmpty] = []
    biased_spans: list[NonEmpty] = []
    keep: list[NonEmpty] = []
    dimension: str = ""
    functionality: str = ""
    group: str = ""
    counterpart: str = ""
    mbias_7b: str | None = None
    mistral_7b_prompted: str | None = None


def read_benchmarks(path: Path) -> dict[str, list[EvalText]]:
    """Read one benchmark file, or all of a folder, by set (a set's name is its file's name).

    Raises:
        DataError: naming file and row, when something is missing or breaks its form.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: no .jsonl file in this folder")
    return {file.stem: read_benchmark(file) for file in files}


def read_benchmark(path: Path) -> list[EvalText]:
    """Read one benchmark file.

    Raises:
        DataError: naming file and row, when the file cannot be read, a row breaks its form or an id occurs twice.
    """
    texts: list[EvalText] = []
    seen: dict[str, int] = {}
    for number, row in _rows(path):
        if row.id in seen:
            raise DataError(f"{path}:{number}: id {row.id!r} was already used in row {seen[row.id]}")
        seen[row.id] = number
        texts.append(_to_text(path.stem, row))
    if not texts:
        raise DataError(f"{path}: no rows")
    return texts


def _to_text(name: str, row: BenchmarkRow) -> EvalText:
    groups = {key: value for key in GROUPINGS if (value := getattr(row, key))}
    ready = {key: value for key in READY_COLUMNS if (value := getattr(row, key)) is not None}
    return EvalText(
        set=name,
        id=row.id,
        text=row.text,
        label=row.label,
        references=tuple(row.references),
        spans=tuple(row.biased_spans),
        keep=tuple(row.keep),
        groups=groups | {"length": length_group(row.text)},
        ready=ready,
    )


def _rows(path: Path) -> Iterator[tuple[int, BenchmarkRow]]:
    """Yield (row number counted from 1, row)."""
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, _check(f"{path}:{number}", line)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def _check(where: str, line: str) -> BenchmarkRow:
    try:
        values: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON: {error}") from error
    try:
        return BenchmarkRow.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{where}: {field + ': ' if field else ''}{first['msg']}") from error
