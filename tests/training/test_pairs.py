"""Pairs are read from every supported form, and a broken row is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from srllm_cli.errors import DataError
from srllm_cli.training.pairs import Pair, fingerprint, read_pairs

RECORD = {
    "id": "x-0001",
    "biased_text": "The chairman spoke.",
    "debiased_text": "The chair spoke.",
    "label": "biased",
    "dimension": "gender",
    "domain": "news",
    "biased_spans": ["chairman"],
    "keep": ["spoke"],
}


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_the_projects_own_pairs_are_valid(root: Path) -> None:
    assert len(read_pairs([root / "data" / "pairs"])) >= 13_000


def test_json_lines_and_csv_give_the_same_record(tmp_path: Path) -> None:
    lines = write(tmp_path / "a.jsonl", RECORD)
    table = tmp_path / "b.csv"
    table.write_text(
        "id,biased_text,debiased_text,label,dimension,domain,biased_spans,keep\n"
        'x-0001,The chairman spoke.,The chair spoke.,biased,gender,news,"[""chairman""]","[""spoke""]"\n',
        encoding="utf-8",
    )
    assert read_pairs([lines]) == read_pairs([table])


def test_a_folder_is_read_whole_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b.jsonl", RECORD | {"id": "b-1"})
    write(tmp_path / "a.jsonl", RECORD | {"id": "a-1"})
    assert [pair.id for pair in read_pairs([tmp_path])] == ["a-1", "b-1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "maybe"}, "label"),
        ({"dimension": "shoes"}, "unknown dimension 'shoes'"),
        ({"debiased_text": "The chairman spoke."}, "leaves its text unchanged"),
        ({"label": "neutral", "dimension": "none"}, "a neutral record changes its text"),
        ({"biased_spans": ["girls"]}, "biased span 'girls' is not in biased_text"),
        ({"keep": ["Monday"]}, "keep 'Monday' is not in both texts"),
        ({"biased_text": " "}, "a text is empty"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_broken_record_is_named_by_file_and_row(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "a.jsonl", RECORD, RECORD | {"id": "x-0002"} | change)
    with pytest.raises(DataError, match=message) as caught:
        read_pairs([path])
    assert f"{path}:2" in str(caught.value)


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", RECORD, RECORD)
    with pytest.raises(DataError, match="already used at"):
        read_pairs([path])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"{oops\n", "a.jsonl:1: not JSON"),
        ("a.jsonl", b"\xff\xfe\n", "not UTF-8"),
        ("a.csv", b"text,label\n", "missing column biased_text, debiased_text"),
        ("a.csv", b"biased_text,debiased_text\na,b,c\n", "a.csv:2: the row has another number of cells"),
        ("a.txt", b"", "unknown kind of data file"),
        ("a.jsonl", b"", "no records"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_pairs([tmp_path / name])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_pairs([tmp_path / "none.jsonl"])


def test_the_fingerprint_tells_data_apart() -> None:
    one = Pair.model_validate(RECORD)
    other = Pair.model_validate(RECORD | {"keep": []})
    assert fingerprint([one]) == fingerprint([one]) != fingerprint([other])
