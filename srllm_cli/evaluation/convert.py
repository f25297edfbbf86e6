"""Public benchmark files as their authors publish them -> the project's form, one JSON object a line.

One function a source: from the rows of its own files to ``BenchmarkRow``. Reads files that the user has downloaded
and fetches none; where each is to be had, under which licence, is in ``docs/eval.md``. Runs no system, knows no metric.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from srllm_cli.errors import DataError
from srllm_cli.evaluation.benchmarks import BOLD, CROWS, HATECHECK, TOXIGEN, BenchmarkRow

Rows = Iterator[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Source:
    """A public benchmark: the files it is made from, by their published names and in that order, and how.

    With ``many``, any number of files of that kind is taken. ``rows`` yields (where it was read, the row's fields).
    """

    files: tuple[str, ...]
    rows: Callable[[Sequence[Path]], Rows]
    many: bool = False


def convert(name: str, paths: Sequence[Path]) -> Iterator[BenchmarkRow]:
    """Yield the rows of a source (a key of ``SOURCES``) in the project's form, in the order of its files.

    Raises:
        DataError: when there are too few or too many files, one is of another form, or a row breaks it.
    """
    if name not in SOURCES:
        raise DataError(f"unknown source {name!r}", hint="one of " + ", ".join(SOURCES))
    source = SOURCES[name]
    if not paths or (not source.many and len(paths) != len(source.files)):
        raise DataError(f"{name} is made from {' and '.join(source.files)}", hint="name the files in this order")
    seen: dict[str, str] = {}
    for where, fields in source.rows(paths):
        try:
            row = BenchmarkRow.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        if row.id in seen:
            raise DataError(f"{where}: the same row as {seen[row.id]}")
        seen[row.id] = where
        yield row
    if not seen:
        raise DataError(f"{paths[0]}: no rows")


def to_line(row: BenchmarkRow) -> str:
    """Return a row as a line of JSON, without the fields that its source does not have."""
    return json.dumps(row.model_dump(exclude_defaults=True), ensure_ascii=False) + "\n"


# Sources -------------------------------------------------------------------------------------------------------------


def _crows_pairs(paths: Sequence[Path]) -> Rows:
    """Yield the stereotypes, each with the same sentence about another group (Nangia et al., EMNLP 2020, section 2).

    Pairs marked ``antistereo`` are left out: their first sentence goes against a stereotype, so it is not the biased
    one of the two in our sense.
    """
    for where, row in _table(paths[0], ("", "sent_more", "sent_less", "stereo_antistereo", "bias_type")):
        if row["stereo_antistereo"] == "stereo":
            yield (
                where,
                {
                    "id": f"crows-{row['']:0>4}",
                    "text": row["sent_more"],
                    "label": "biased",
                    "dimension": row["bias_type"],
                    "counterpart": row["sent_less"],
                },
            )


def _hatecheck(paths: Sequence[Path]) -> Rows:
    """Yield the test cases with their functionality and target group (Röttger et al., ACL 2021, section 3)."""
    labels = {"hateful": "biased", "non-hateful": "neutral"}
    for where, row in _table(paths[0], ("case_id", "functionality", "test_case", "label_gold", "target_ident")):
        yield (
            where,
            {
                "id": f"hatecheck-{row['case_id']}",
                "text": row["test_case"],
                "label": labels.get(row["label_gold"], row["label_gold"]),
                "functionality": row["functionality"],
                "group": row["target_ident"],
            },
        )


def _bold(paths: Sequence[Path]) -> Rows:
    """Yield the first Wikipedia sentence of each person or thing, once (Dhamala et al., FAccT 2021, section 3).

    A file is ``{group: {title: [sentence, ...]}}`` and named for its domain (``gender_wiki.json``). Sentences after
    the first are often scraps of reference lists.
    """
    seen: set[str] = set()
    for path in paths:
        for group, titles in _groups(path).items():
            for title, sentences in titles.items():
                text = sentences[0] if sentences else ""
                if text and text not in seen:
                    seen.add(text)
                    yield (
                        f"{path}: {group}: {title}",
                        {
                            "id": "bold-" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8],
                            "text": text,
                            "label": "neutral",
                            "dimension": path.stem.removesuffix("_wiki"),
                            "group": group,
                        },
                    )


def _paradetox(paths: Sequence[Path]) -> Rows:
    """Yield toxic comments with one to three neutral paraphrases (Logacheva et al., ACL 2022, section 4)."""
    columns = ("toxic", "neutral1", "neutral2", "neutral3")
    for number, (where, row) in enumerate(_table(paths[0], columns, tabs=True)):
        references = [row[column] for column in columns[1:] if row[column]]
        yield (
            where,
            {"id": f"paradetox-{number:05}", "text": row["toxic"], "label": "biased", "references": references},
        )


def _wnc(paths: Sequence[Path]) -> Rows:
    """Yield Wikipedia sentences with their neutral-point-of-view edit (Pryzant et al., AAAI 2020, section 2).

    The corpus has no header: revision, source and target in tokens, source and target raw, and tags in the training
    part.
    """
    path = paths[0]
    part = path.name.rpartition(".")[2]
    for number, (where, values) in enumerate(_lines(path, tabs=True)):
        if len(values) < 5:
            raise DataError(f"{where}: {len(values)} columns; WNC has id, src_tok, tgt_tok, src_raw, tgt_raw")
        yield (
            where,
            {"id": f"wnc-{part}-{number:04}", "text": values[3], "label": "biased", "references": [values[4]]},
        )


def _mbias(paths: Sequence[Path]) -> Rows:
    """Yield MBIAS's test texts: the annotators' text, MBIAS-7B's and the prompted model's (Raza et al., WASSA 2024)."""
    wanted, answers, prompted = paths
    references = {row["biased_text"]: row for _, row in _table(wanted, ("biased_text", "debiased_text", "dimension"))}
    others = {row["biased_text"]: row["unbiased_text"] for _, row in _table(prompted, ("biased_text", "unbiased_text"))}
    for number, (where, row) in enumerate(_table(answers, ("biased_text", "debiased_text"))):
        text = row["biased_text"]
        for path, known in ((wanted, text in references), (prompted, text in others)):
            if not known:
                raise DataError(f"{where}: its biased_text is not in {path}")
        yield (
            where,
            {
                "id": f"mbias-{number:03}",
                "text": text,
                "label": "biased",
                "dimension": references[text]["dimension"].lower(),
                "references": [references[text]["debiased_text"]],
                "mbias_7b": row["debiased_text"].strip(),
                "mistral_7b_prompted": others[text].strip(),
            },
        )


def _toxigen(paths: Sequence[Path]) -> Rows:
    """Yield the annotated ToxiGen statements that MBIAS rewrote (Hartvigsen et al., ACL 2022; Raza et al., 2024)."""
    labels = {"0": "neutral", "1": "biased"}
    for number, (where, row) in enumerate(_table(paths[0], ("biased_text", "label", "target_group", "unbiased_text"))):
        yield (
            where,
            {
                "id": f"toxigen-{number:03}",
                "text": row["biased_text"],
                "label": labels.get(row["label"], row["label"]),
                "group": row["target_group"],
                "mbias_7b": row["unbiased_text"].strip(),
            },
        )


#: By the name that the converted file should have: some names bring figures of their own (``figures``).
SOURCES = {
    CROWS: Source(("crows_pairs_anonymized.csv",), _crows_pairs),
    BOLD: Source(("gender_wiki.json, race_wiki.json …",), _bold, many=True),
    HATECHECK: Source(("test_suite_cases.csv",), _hatecheck),
    "paradetox": Source(("paradetox.tsv",), _paradetox),
    "mbias_test": Source(
        ("train-500-debiased-evaluation.csv", "mbias-inference-answers.csv", "OG-model-inference.csv"), _mbias
    ),
    TOXIGEN: Source(("toxigen-results.csv",), _toxigen),
    "wnc_sample": Source(("biased.word.test",), _wnc),
}


# Reading -------------------------------------------------------------------------------------------------------------


def _table(path: Path, columns: Sequence[str], *, tabs: bool = False) -> Rows:
    """Yield the rows of a CSV or TSV file by column, and complain when it has not the columns that are asked for."""
    header: list[str] | None = None
    for where, values in _lines(path, tabs=tabs):
        if header is None:
            header = values
            if missing := [repr(column) for column in columns if column not in header]:
                raise DataError(f"{path}: no column {', '.join(missing)}", hint="is it the file that the docs name?")
            continue
        if len(values) > len(header):
            raise DataError(f"{where}: {len(values)} columns where the header has {len(header)}")
        values += [""] * (len(header) - len(values))  # ParaDetox leaves out empty cells at the end of some lines
        yield where, dict(zip(header, values, strict=True))


def _lines(path: Path, *, tabs: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield the cells of each line that is not empty. Tab-separated files quote nothing: a quote is a character."""
    options: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if tabs else {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, **options)
            for values in reader:
                if values:
                    yield f"{path}:{reader.line_num}", values
    except csv.Error as error:
        raise DataError(f"{path}: not a table: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def _groups(path: Path) -> dict[str, dict[str, list[str]]]:
    """Read one of BOLD's files and check its form."""
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if not isinstance(values, dict) or not all(
        isinstance(titles, dict) and all(isinstance(found, list) for found in titles.values())
        for titles in values.values()
    ):
        raise DataError(f"{path}: not {{group: {{title: [sentence, …]}}}}", hint="is it a file of BOLD's wikipedia/?")
    return values
