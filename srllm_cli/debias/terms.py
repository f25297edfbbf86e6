"""Terms that a user allows or denies, and where they stand in a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

#: The dimension of a finding that a denied term makes.
DENIED = "denied_term"


@dataclass(frozen=True, slots=True)
class Terms:
    """``allow``: these stay. ``deny``: these are findings wherever they stand, whatever the model says.

    A sentence in which only allowed terms would change is no finding; one in which more would change needs review,
    since half of a rewrite may not read well. A term is one or more words; it stands for itself as whole words, in any
    case, with any white space between them.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def within(self, text: str) -> Terms:
        """Return those that occur in a text: all that its result can depend on."""
        return Terms(_occurring(self.allow, text), _occurring(self.deny, text))


def _occurring(terms: Sequence[str], text: str) -> tuple[str, ...]:
    return tuple(term for term in terms if _pattern((term,)).search(text)) if terms else ()


def spans(terms: Sequence[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of each occurrence of a term; where two begin together, the longer."""
    if terms:
        for match in _pattern(tuple(terms)).finditer(text):
            yield match.span()


def touches(start: int, end: int, span: tuple[int, int]) -> bool:
    """Whether an edit of ``[start, end)`` changes something in a span; an insertion at its edge does not."""
    return start < span[1] and end > span[0]


def is_only(text: str, start: int, end: int, terms: Sequence[tuple[int, int]]) -> bool:
    """Whether a stretch of a text holds an occurrence of a term, and beside such no word but an article."""
    if not any(touches(start, end, span) for span in terms):
        return False
    rest = "".join(" " if any(low <= at < high for low, high in terms) else text[at] for at in range(start, end))
    return all(word.lower() in ("a", "an", "the") for word in rest.split())


@lru_cache(maxsize=256)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    choices = (r"\s+".join(re.escape(word) for word in term.split()) for term in sorted(terms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{'|'.join(choices)})(?!\w)", re.IGNORECASE)
