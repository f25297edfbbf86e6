"""Train, validation and test hold no near-twins of each other."""

from pathlib import Path

import pytest

from srllm_cli.training.pairs import Pair, read_pairs
from srllm_cli.training.splits import NEAR_DUPLICATE, SPLITS, Split, near_duplicates, split_pairs, trigrams


@pytest.fixture(scope="module")
def split(root: Path) -> Split:
    return split_pairs(read_pairs([root / "data" / "pairs"]))


def test_every_record_is_in_exactly_one_split(root: Path, split: Split) -> None:
    ids = [pair.id for name in SPLITS for pair in split.named(name)]
    assert sorted(ids) == sorted(pair.id for pair in read_pairs([root / "data" / "pairs"]))


def test_no_text_or_near_duplicate_of_it_is_in_two_splits(split: Split) -> None:
    texts, places = [], []
    for name in SPLITS:
        for pair in split.named(name):
            for text in {pair.biased_text, pair.debiased_text}:
                texts.append(text)
                places.append(name)
    crossing = [(texts[a], texts[b]) for a, b in near_duplicates(texts) if places[a] != places[b]]
    assert crossing == []


def test_neighbouring_records_of_a_block_stay_together(split: Split) -> None:
    blocks: dict[str, set[str]] = {}
    for name in SPLITS:
        for pair in split.named(name):
            prefix, _, number = pair.id.rpartition("-")
            blocks.setdefault(f"{prefix}-{(int(number) - 1) // 10}", set()).add(name)
    assert all(len(places) == 1 for places in blocks.values())


def test_validation_and_test_are_large_enough_to_measure_and_small_enough_to_spare(split: Split) -> None:
    total = sum(len(split.named(name)) for name in SPLITS)
    for name in ("validation", "test"):
        assert 0.03 * total < len(split.named(name)) < 0.08 * total


def test_adding_records_moves_no_old_one(root: Path, split: Split) -> None:
    pairs = read_pairs([root / "data" / "pairs"])
    fewer = split_pairs([pair for pair in pairs if not pair.id.startswith("w5")])
    before = {pair.id: name for name in SPLITS for pair in split.named(name)}
    moved = [pair.id for name in SPLITS for pair in fewer.named(name) if before[pair.id] != name]
    assert len(moved) <= 20, "only near-duplicates of the added records may move"


def test_a_near_duplicate_is_found_by_its_trigrams() -> None:
    texts = [
        "the board met on monday to talk about the plan",
        "ice melts",
        "the board met on monday to talk about a plan",
    ]
    assert list(near_duplicates(texts)) == [(0, 2)]
    one, other = trigrams(texts[0]), trigrams(texts[2])
    assert len(one & other) / len(one | other) >= NEAR_DUPLICATE


def test_records_without_numbered_ids_are_split_by_position() -> None:
    pairs = [
        Pair(
            id=f"r{chr(97 + i)}",
            biased_text=f"text {i} {i * 7} {i * 13}",
            debiased_text=f"text {i} {i * 7} {i * 13}",
            label="neutral",
        )
        for i in range(26)
    ]
    split = split_pairs(pairs)
    assert sum(len(split.named(name)) for name in SPLITS) == 26
