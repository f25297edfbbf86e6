"""Train, validation and test, with no near-twin across them.

Records that stand next to each other in a file were often written together (a biased text and its neutral twin), and
near-duplicates can stand anywhere. So the unit of the split is a group: blocks of neighbouring records, joined wherever
two records share most of their word trigrams. A group goes to one split, by a hash of its name: adding data moves no
old record unless it becomes the near-duplicate of another.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from srllm_cli.training.pairs import Pair

SPLITS = ("train", "validation", "test")
#: Records in a block. Near-twins are written side by side in runs of two to four.
BLOCK = 10
#: Jaccard index of word trigrams from which two texts count as near-duplicates.
NEAR_DUPLICATE = 0.5
#: Shares of validation and test, in blocks. 5 % of 13,000 records is some 600: a share is known to 4 points.
VALIDATION_SHARE = 0.05
TEST_SHARE = 0.05
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Split:
    """The records of each split, in the order in which they were read."""

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]

    def named(self, name: str) -> tuple[Pair, ...]:
        """Return the split of that name (one of :data:`SPLITS`)."""
        if name not in SPLITS:
            raise ValueError(f"unknown split {name!r}")
        records: tuple[Pair, ...] = getattr(self, name)
        return records


def split_pairs(pairs: Sequence[Pair]) -> Split:
    """Split the records by groups; deterministic, and independent of how many records there are."""
    parent = list(range(len(pairs)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(one: int, other: int) -> None:
        low, high = sorted((root(one), root(other)))
        parent[high] = low

    for indices in _blocks(pairs).values():
        for index in indices[1:]:
            join(indices[0], index)
    for one, other in near_duplicates([text for pair in pairs for text in (pair.biased_text, pair.debiased_text)]):
        join(one // 2, other // 2)

    chosen: dict[str, list[Pair]] = {name: [] for name in SPLITS}
    for index, pair in enumerate(pairs):
        chosen[_place(pairs[root(index)].id)].append(pair)
    return Split(*(tuple(chosen[name]) for name in SPLITS))


def near_duplicates(texts: Sequence[str], threshold: float = NEAR_DUPLICATE) -> Iterable[tuple[int, int]]:
    """Yield the pairs of indices whose word trigrams have a Jaccard index of ``threshold`` or more, earlier first."""
    postings: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes: list[int] = []
    for index, text in enumerate(texts):
        grams = trigrams(text)
        sizes.append(len(grams))
        shared = Counter(other for gram in grams for other in postings[gram])
        for other, count in shared.items():
            if count / (len(grams) + sizes[other] - count) >= threshold:
                yield other, index
        for gram in grams:
            postings[gram].append(index)


def trigrams(text: str) -> set[tuple[str, ...]]:
    """Return the set of word trigrams of a text, lower case (a shorter text is one gram)."""
    words = _WORD.findall(text.lower())
    return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


def _blocks(pairs: Sequence[Pair]) -> dict[str, list[int]]:
    """Group indices by block: the id's prefix and its number, ten at a time; without a number, by position."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        prefix, dash, number = pair.id.rpartition("-")
        key = f"{prefix}-{(int(number) - 1) // BLOCK}" if dash and number.isdigit() else f"#{index // BLOCK}"
        blocks[key].append(index)
    return blocks


def _place(name: str) -> str:
    """Map a group's name to a split: a uniform number in [0, 1) from its SHA-256."""
    point = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
    if point < TEST_SHARE:
        return "test"
    return "validation" if point < TEST_SHARE + VALIDATION_SHARE else "train"
