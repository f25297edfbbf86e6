"""The passages that every system is given: real texts, each once, so many of them biased.

It reads no file and knows no system.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from srllm_cli.errors import DataError
from srllm_cli.training.pairs import Pair

_SEED = 6


class PassagePool:
    """Deals out passages, none twice (stateful), so that no system can gain from having seen one."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        """Take the texts of the pairs, in an order that is random and always the same.

        Neutral passages are the records labelled so, and after them the debiased halves of the others.
        """
        order = list(pairs)
        random.Random(_SEED).shuffle(order)
        neutral = [pair.biased_text for pair in order if pair.label == "neutral"]
        neutral += [pair.debiased_text for pair in order if pair.label == "biased"]
        biased = [pair.biased_text for pair in order if pair.label == "biased"]
        seen: set[str] = set()
        self._biased = _fresh(biased, seen)
        self._neutral = _fresh(neutral, seen)

    def deal(self, count: int, biased_share: float) -> list[str]:
        """Return ``count`` new passages, the biased ones spread evenly among them.

        Raises:
            DataError: when the pairs do not hold so many.
        """
        wanted = [int((i + 1) * biased_share) > int(i * biased_share) for i in range(count)]
        passages = [next(self._biased if biased else self._neutral, None) for biased in wanted]
        dealt = [passage for passage in passages if passage is not None]
        if len(dealt) < count:
            raise DataError("the pairs do not hold so many different passages", hint="give more --data, or fewer")
        return dealt


def words_in(passages: Sequence[str]) -> int:
    """Count the words of passages, as white space parts them."""
    return sum(len(passage.split()) for passage in passages)


def _fresh(texts: Sequence[str], seen: set[str]) -> Iterator[str]:
    """Yield each text on one line, leaving out those in ``seen``, which it adds to."""
    for text in texts:
        line = " ".join(text.split())
        if line not in seen:
            seen.add(line)
            yield line
