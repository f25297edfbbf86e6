"""The passages of the benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.passages import PassagePool, words_in
from srllm_cli.errors import DataError
from srllm_cli.training.pairs import Pair, read_pairs


def pair(number: int, label: str) -> Pair:
    biased = label == "biased"
    return Pair(
        id=f"p-{number}",
        biased_text=f"Text {number}\n by him.",
        debiased_text=f"Text {number} by them." if biased else f"Text {number}\n by him.",
        label="biased" if biased else "neutral",
        dimension="gender" if biased else "none",
    )


def test_no_passage_is_dealt_twice_and_the_share_holds() -> None:
    pairs = [pair(number, "biased" if number % 2 else "neutral") for number in range(40)]
    pool = PassagePool(pairs)
    dealt = [pool.deal(10, 0.1), pool.deal(10, 1.0), pool.deal(20, 0.0)]
    biased = {" ".join(p.biased_text.split()) for p in pairs if p.label == "biased"}
    assert [len(biased & set(chunk)) for chunk in dealt] == [1, 10, 0]
    everything = [text for chunk in dealt for text in chunk]
    assert len(set(everything)) == 40
    assert not any("\n" in text for text in everything)
    assert PassagePool(pairs).deal(10, 0.1) == dealt[0], "the same each time"
    with pytest.raises(DataError, match="so many different"):
        pool.deal(20, 1.0)


def test_the_projects_pairs_are_enough_for_a_whole_run(root: Path) -> None:
    pool = PassagePool(read_pairs([root / "data" / "pairs"]))
    assert words_in(pool.deal(11_110, 0.1)) > 100_000
    pool.deal(1_000, 0.0)
    pool.deal(400, 1.0)
