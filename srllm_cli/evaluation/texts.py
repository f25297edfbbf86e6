"""The texts of an evaluation and what is known of each, whatever file it came from.

A plain value and its grouping; reads no file and runs no system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from srllm_cli.evaluation.edits import tokenize
from srllm_cli.training.pairs import Pair

Label = Literal["biased", "neutral"]
Item = TypeVar("Item")

#: Name of the set that holds the user's own pairs.
PAIRS = "pairs"
#: Upper bounds, in words, of the length groups; longer texts are in the last.
LENGTHS = (10, 20, 40, 80)


@dataclass(frozen=True, slots=True)
class EvalText:
    """One text to rewrite. Empty collections mean that its source says nothing of the kind.

    ``groups`` names what figures are broken down by (``dimension`` → ``gender``), ``ready`` holds outputs that came
    with the file (``mbias_7b`` → text).
    """

    set: str
    id: str
    text: str
    label: Label
    references: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, str] = field(default_factory=dict)


def from_pair(pair: Pair) -> EvalText:
    """Return the text of a debiasing pair; the debiased text is its reference (its own wording when neutral)."""
    groups = {"dimension": pair.dimension, "domain": pair.domain, "length": length_group(pair.biased_text)}
    return EvalText(
        set=PAIRS,
        id=pair.id,
        text=pair.biased_text,
        label=pair.label,
        references=(pair.debiased_text,),
        spans=pair.biased_spans,
        keep=pair.keep,
        groups={name: value for name, value in groups.items() if value},
    )


def spread(items: Sequence[Item], limit: int | None) -> list[Item]:
    """Return ``limit`` items evenly spread over the sequence, in order; all when there are no more, or no limit.

    Files are often sorted by kind, so the first so many would be of one kind.
    """
    if limit is None or limit >= len(items):
        return list(items)
    return [items[number * len(items) // limit] for number in range(limit)]


def length_group(text: str) -> str:
    """Return the length group of a text, in words: ``1-10``, ``11-20`` … ``81+``."""
    words, low = len(tokenize(text)), 1
    for high in LENGTHS:
        if words <= high:
            return f"{low}-{high}"
        low = high + 1
    return f"{low}+"
