from __future__ import annotations

import json
from pathlib import Path

import pytest

from srllm_cli.errors import DataError
from srllm_cli.evaluation.benchmarks import read_benchmark, read_benchmarks


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


GOOD = {"id": "a", "text": "Hello there.", "label": "neutral"}


def test_a_row_brings_its_groups_references_and_ready_outputs(tmp_path: Path) -> None:
    row = GOOD | {"group": "women", "references": ["Hi."], "mbias_7b": "Hey.", "severity": "dropped"}
    (text,) = read_benchmark(write(tmp_path / "toy.jsonl", row))
    assert text.set == "toy"
    assert text.groups == {"group": "women", "length": "1-10"}
    assert text.references == ("Hi.",)
    assert text.ready == {"mbias_7b": "Hey."}


def test_own_files_may_name_spans_and_facts(tmp_path: Path) -> None:
    row = GOOD | {"label": "biased", "biased_spans": ["Hello"], "keep": ["there"]}
    (text,) = read_benchmark(write(tmp_path / "own.jsonl", row))
    assert (text.spans, text.keep) == (("Hello",), ("there",))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "not JSON"),
        ({"id": "b", "text": "x"}, "label"),
        ({"id": "b", "text": "x", "label": "maybe"}, "label"),
        ({"id": "b", "text": "", "label": "neutral"}, "text"),
        ({"id": "b", "text": 7, "label": "neutral"}, "text"),
        ({"id": "b", "text": "x", "label": "neutral", "references": "x"}, "references"),
        (GOOD, "already used in row 1"),
        ("[1, 2]", "valid"),
    ],
)
def test_a_bad_row_is_named_by_file_and_number(tmp_path: Path, row: object, message: str) -> None:
    path = write(tmp_path / "toy.jsonl", GOOD, row)
    with pytest.raises(DataError, match=message) as caught:
        read_benchmark(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_benchmark(path)


def test_a_folder_is_read_set_by_set(tmp_path: Path) -> None:
    write(tmp_path / "two.jsonl", GOOD, GOOD | {"id": "b"})
    write(tmp_path / "one.jsonl", GOOD)
    sets = read_benchmarks(tmp_path)
    assert {name: len(texts) for name, texts in sets.items()} == {"one": 1, "two": 2}


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_missing_or_empty_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=name):
        read_benchmarks(tmp_path / name)
