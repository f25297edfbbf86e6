"""Edits between two texts, counted as grammatical error correction counts them.

A rewrite is judged by the edits that it makes: the word-level differences between source and rewrite, matched against
those between source and reference. It knows no model, no file and no statistics; whitespace is no edit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]")


@dataclass(frozen=True, slots=True)
class WordEdit:
    """Replace the source's tokens ``[start, end)`` by ``words`` (empty: deletion; start == end: insertion)."""

    start: int
    end: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditCounts:
    """Edits that a rewrite shares with its reference, makes on its own, and leaves out. Counts add up over texts."""

    shared: int = 0
    extra: int = 0
    missing: int = 0

    def __add__(self, other: EditCounts) -> EditCounts:
        return EditCounts(self.shared + other.shared, self.extra + other.extra, self.missing + other.missing)

    @property
    def precision(self) -> float:
        """Share of the edits made that the reference makes too; 1 when none was made."""
        made = self.shared + self.extra
        return self.shared / made if made else 1.0

    @property
    def recall(self) -> float:
        """Share of the reference's edits that were made; 1 when it makes none."""
        wanted = self.shared + self.missing
        return self.shared / wanted if wanted else 1.0

    def f_score(self, beta: float = 0.5) -> float:
        """Return F-beta; 0.5 weighs precision twice as much as recall (Ng et al., CoNLL 2014, section 5)."""
        weighted = (1 + beta**2) * self.shared
        total = weighted + beta**2 * self.missing + self.extra
        return weighted / total if total else 1.0


def tokenize(text: str) -> list[str]:
    """Split into words (with inner apostrophes and hyphens) and single punctuation marks."""
    return _TOKEN.findall(text)


def word_edits(source: str, target: str) -> frozenset[WordEdit]:
    """Return the smallest edits, in tokens of ``source``, that turn its words into those of ``target``.

    Neighbouring deletions and insertions are one replacement, as in ERRANT's default merging (Bryant et al., ACL 2017,
    section 3.1); edits with an unchanged word between them stay apart.
    """
    before, after = tokenize(source), tokenize(target)
    opcodes = SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
    return frozenset(
        WordEdit(start, end, tuple(after[first:last])) for tag, start, end, first, last in opcodes if tag != "equal"
    )


def count_edits(source: str, rewrite: str, references: Sequence[str]) -> EditCounts:
    """Compare the rewrite's edits with those of the reference that it agrees with best.

    An edit counts as shared only when both its place and its words are the same (MaxMatch, Dahlmeier and Ng, NAACL
    2012). With several references the one with the highest F0.5 for this text is taken, the first of equals.

    Raises:
        ValueError: when there is no reference.
    """
    if not references:
        raise ValueError("edits cannot be counted without a reference")
    made = word_edits(source, rewrite)
    counts = []
    for reference in references:
        wanted = word_edits(source, reference)
        shared = len(made & wanted)
        counts.append(EditCounts(shared, len(made) - shared, len(wanted) - shared))
    return max(counts, key=EditCounts.f_score)
