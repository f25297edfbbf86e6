"""JSON Lines and CSV: prose in the fields that are named, and nothing else."""

from __future__ import annotations

import csv
import io
import json

import pytest
from data_fragments import PROSE
from format_properties import (
    WORDS,
    check_any_edit,
    check_every_word,
    check_invariants,
    check_nothing_changes,
    ordinary,
    texts,
)
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.debias.types import Edit
from srllm_cli.documents.apply import apply_edits, source_edits
from srllm_cli.documents.csv_fields import csv_passages
from srllm_cli.documents.jsonl import jsonl_passages
from srllm_cli.errors import InputError

FIELDS = ["text", "turns.said"]


def _lines(records: list[tuple[str, str, bool]], end: str) -> str:
    return end.join(
        json.dumps({"id": a, "text": b, "turns": [{"said": a, "by": b}], "n": [1.5, None]}, ensure_ascii=ascii_only)
        for a, b, ascii_only in records
    )


JSONL = st.builds(
    _lines,
    st.lists(st.tuples(PROSE, PROSE, st.booleans()), min_size=1, max_size=3),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)


def _table(rows: list[tuple[str, str, str]], delimiter: str, quoting: int, end: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows([("id", "text", "note"), *rows])
    return out.getvalue()


CSV = st.builds(
    _table,
    st.lists(st.tuples(PROSE, PROSE, PROSE), max_size=4),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)


@ordinary
@given(source=JSONL)
def test_json_lines_come_back_identical_when_nothing_changes(source: str) -> None:
    found = jsonl_passages(source, FIELDS)
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(source=JSONL, make=WORDS)
def test_rewriting_every_word_of_json_lines_keeps_the_rest(source: str, make: str) -> None:
    check_every_word(source, "jsonl", jsonl_passages(source, FIELDS), make, FIELDS)


@ordinary
@given(source=JSONL, data=st.data())
def test_any_edit_of_json_lines_is_refused_or_keeps_the_rest(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "jsonl", jsonl_passages(source, FIELDS), data, FIELDS)


@ordinary
@given(source=CSV)
def test_csv_comes_back_identical_when_nothing_changes(source: str) -> None:
    found = csv_passages(source, ["text", "note"])
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(source=CSV, make=WORDS)
def test_rewriting_every_word_of_csv_keeps_the_rest(source: str, make: str) -> None:
    check_every_word(source, "csv", csv_passages(source, ["text"]), make, ["text"])


@ordinary
@given(source=CSV, data=st.data())
def test_any_edit_of_csv_is_refused_or_keeps_the_rest(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "csv", csv_passages(source, ["note"]), data, ["note"])


def test_only_the_named_fields_are_read() -> None:
    source = '{"text": "The man", "title": "A man", "turns": [{"said": "Old man", "by": "man"}]}\n'
    assert texts(jsonl_passages(source, ["text"])) == ["The man"]
    assert texts(jsonl_passages(source, ["turns.said"])) == ["Old man"]
    assert texts(csv_passages("text,title\nThe man,A man\n", ["title"])) == ["A man"]


def test_a_json_string_is_escaped_no_more_than_it_must_be() -> None:
    source = '{"text": "The \\u201cold\\u201d chairman\\/woman caf\\u00e9"}'
    (passage,) = jsonl_passages(source, ["text"])
    assert passage.text == "The “old” chairman/woman café"
    at = passage.text.index("café")
    after = apply_edits(source, source_edits(passage, source, Edit(at, at + 4, 'née "x"')) or [])
    assert after == '{"text": "The \\u201cold\\u201d chairman\\/woman n\\u00e9e \\"x\\""}'


def test_csv_quoting_stays() -> None:
    source = 'id,text\r\n1,"The ""old"" chairman, here"\r\n2,The chairman\r\n'
    quoted, bare = csv_passages(source, ["text"])
    assert quoted.text == 'The "old" chairman, here'
    at = quoted.text.index("chairman")
    after = apply_edits(source, source_edits(quoted, source, Edit(at, at + 8, 'a "b", c')) or [])
    assert after == 'id,text\r\n1,"The ""old"" a ""b"", c, here"\r\n2,The chairman\r\n'
    assert source_edits(bare, source, Edit(4, 12, "a, b")) is None
    assert source_edits(bare, source, Edit(4, 12, "chair")) is not None


@pytest.mark.parametrize(("source", "fields"), [("a,b\n1,2\n", []), ("a,b\n1,2\n", ["c"]), ('a,b\n1,"2" x\n', ["b"])])
def test_csv_that_cannot_be_read_is_refused(source: str, fields: list[str]) -> None:
    with pytest.raises(InputError):
        csv_passages(source, fields)


@pytest.mark.parametrize(("source", "fields"), [('{"a": ""}', []), ('{"a": ""}', ["b"]), ('{"a": 1}\n{', ["a"])])
def test_json_lines_that_cannot_be_read_are_refused(source: str, fields: list[str]) -> None:
    with pytest.raises(InputError):
        jsonl_passages(source, fields)
