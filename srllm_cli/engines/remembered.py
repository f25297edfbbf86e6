"""Which sequences of tokens the key-value cache still holds, so that what begins like one need not be computed again.

Bookkeeping alone: tokens, slots and a budget of cells. It never calls the model; tokens are without the prompt's shared
prefix, which every sequence has. (RadixAttention, arXiv 2312.07104, in small: a list instead of a tree, since a few
dozen sequences are kept.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first ``length`` tokens of a sequence, which the cache holds in ``slot``."""

    slot: int
    length: int


class RememberedSequences:
    """Sequences in slots of their own, the least recently used making room first (mutable)."""

    def __init__(self, slots: Sequence[int], cells: int) -> None:
        """Use these slots, and at most so many cells of the cache."""
        self._free = list(slots)
        self._cells = cells
        self._held: OrderedDict[int, list[int]] = OrderedDict()

    def keep(self, tokens: list[int]) -> tuple[int | None, list[int]]:
        """Take a sequence in; return its slot (``None``: it is not kept), and the slots to empty first.

        One that begins another, or is longer than the whole budget, is not kept; those that begin it go.
        """
        if not tokens or len(tokens) > self._cells or not (self._free or self._held):
            return None, []
        if any(common(tokens, held) == len(tokens) for held in self._held.values()):
            return None, []
        emptied = [slot for slot, held in self._held.items() if common(tokens, held) == len(held)]
        for slot in emptied:
            del self._held[slot]
            self._free.append(slot)
        while not self._free or self._used + len(tokens) > self._cells:
            slot, _ = self._held.popitem(last=False)
            self._free.append(slot)
            emptied.append(slot)
        slot = self._free.pop()
        self._held[slot] = tokens
        return slot, emptied

    def longest(self, tokens: Sequence[int]) -> Beginning:
        """Return the longest beginning of ``tokens`` that is held; of length 0 where none is."""
        best = Beginning(0, 0)
        for slot, held in self._held.items():
            length = common(tokens, held)
            if length > best.length:
                best = Beginning(slot, length)
        if best.length:
            self._held.move_to_end(best.slot)
        return best

    def clear(self) -> list[int]:
        """Keep nothing; return the slots to empty."""
        emptied = list(self._held)
        self._held.clear()
        self._free += emptied
        return emptied

    @property
    def _used(self) -> int:
        return sum(map(len, self._held.values()))


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences have in common at their beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
