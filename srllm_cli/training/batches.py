"""Which examples go into which step: batches of one token budget, similar lengths together.

The plan of a whole run is made before it starts, from the seed alone, so that a resumed run sees what the
uninterrupted one would have seen.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

#: Examples sorted by length at a time. Larger: less padding; smaller: more varied steps.
WINDOW = 4096


def plan_batches(lengths: Sequence[int], budget: int, seed: int) -> list[list[int]]:
    """Return batches of indices; ``max(length) * len(batch) <= budget`` holds for each batch of more than one.

    Examples are shuffled, sorted by length within windows, cut into batches, and the batches shuffled.
    """
    chooser = random.Random(seed)
    order = list(range(len(lengths)))
    chooser.shuffle(order)
    batches: list[list[int]] = []
    for first in range(0, len(order), WINDOW):
        window = sorted(order[first : first + WINDOW], key=lambda index: lengths[index])
        batch: list[int] = []
        for index in window:
            if batch and lengths[index] * (len(batch) + 1) > budget:
                batches.append(batch)
                batch = []
            batch.append(index)
        if batch:
            batches.append(batch)
    chooser.shuffle(batches)
    return batches


def padding_share(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """Return the share of the computed positions that is padding, in [0, 1)."""
    used = sum(lengths[index] for batch in batches for index in batch)
    computed = sum(max(lengths[index] for index in batch) * len(batch) for batch in batches)
    return 1 - used / computed if computed else 0.0
