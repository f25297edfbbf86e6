"""The store by itself: values come back, or are missing; never another value."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from srllm_cli.debias.debiaser import PassageResult, UnitResult
from srllm_cli.debias.types import Edit, Finding, Rewrite, ScoredPassage, Status
from srllm_cli.errors import InputError
from srllm_cli.results import store as stores
from srllm_cli.results.codec import passage_from_bytes, passage_to_bytes, rewrite_from_bytes, rewrite_to_bytes
from srllm_cli.results.store import ResultStore


def test_values_come_back(tmp_path: Path) -> None:
    values = {bytes([i // 256, i % 256]): f"value {i}".encode() for i in range(1200)}
    with ResultStore(tmp_path / "sub" / "s.sqlite") as store:
        store.put_many(values)
        store.put_many({b"\0\0": b"newer"})
    with ResultStore(tmp_path / "sub" / "s.sqlite") as store:
        assert store.get_many([*values, b"none"]) == {**values, b"\0\0": b"newer"}
        assert store.figures().results == 1200


def test_a_value_with_a_flipped_bit_is_a_miss(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with ResultStore(path) as store:
        store.put_many({b"k": b"the value that was kept"})
    with sqlite3.connect(path) as connection:
        (value,) = connection.execute("SELECT value FROM results").fetchone()
        connection.execute("UPDATE results SET value = ?", (value[:-1] + bytes([value[-1] ^ 1]),))
    connection.close()
    with ResultStore(path) as store:
        assert store.get_many([b"k"]) == {}


def test_use_is_noted_and_what_was_not_used_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with ResultStore(tmp_path / "s.sqlite") as store:
        monkeypatch.setattr(stores.time, "time", lambda: now - 40 * 86_400)
        store.put_many({b"old": b"1", b"used": b"2"})
        monkeypatch.setattr(stores.time, "time", lambda: now)
        store.put_many({b"new": b"3"})
        store.get_many([b"used"])
        assert store.prune(30) == 1
        assert store.get_many([b"old", b"used", b"new"]) == {b"used": b"2", b"new": b"3"}


def test_a_store_that_grew_too_big_is_halved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ResultStore(tmp_path / "s.sqlite") as store:
        for i in range(10):
            monkeypatch.setattr(stores.time, "time", lambda i=i: 1_000_000.0 + i)
            store.put_many({bytes([i]): bytes(100)})
        store.keep_bounded()
        assert store.figures().results == 10
        monkeypatch.setattr(stores, "MOST_BYTES", 1)
        store.keep_bounded()
        assert set(store.get_many([bytes([i]) for i in range(10)])) == {bytes([i]) for i in range(6, 10)}


def test_a_locked_store_is_not_taken_for_a_broken_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.sqlite"
    monkeypatch.setattr(stores, "_PATIENCE", 0.1)
    with ResultStore(path) as store:
        store.put_many({b"k": b"v"})
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="locked"):
            store.put_many({b"l": b"w"})
        other.execute("ROLLBACK")
        other.close()
    with ResultStore(path) as store:
        assert store.get_many([b"k"]) == {b"k": b"v"}


def test_results_survive_their_encoding() -> None:
    text = "The chairman — “so” 🙂 manned\nthe desk."
    edit = Finding(4, 12, text[4:12], "chair", "gender", 0.912345678901234, Status.REWRITTEN, (0, len(text)))
    review = Finding(22, 28, text[22:28], None, "denied_term", None, Status.NEEDS_REVIEW)
    rewrite = Rewrite(text.replace("chairman", "chair"), (edit, review), (ScoredPassage(0, 5, None),))
    assert rewrite_from_bytes(rewrite_to_bytes(rewrite), text) == rewrite
    unit = UnitResult(0, 9, 0.5, "age", (Edit(1, 2, ""), Edit(3, 3, "é")), Status.REWRITTEN)
    result = PassageResult((ScoredPassage(0, 9, 0.5), ScoredPassage(10, 12, None, screened=True)), (unit,))
    assert passage_from_bytes(passage_to_bytes(result)) == result
