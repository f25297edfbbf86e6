"""One answer being decoded: which tokens to feed next, and what their logits decide.

Pure bookkeeping over token ids and rows of logits; it never calls the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: Draft lengths: short where the model has just left its source, doubled with every draft accepted whole.
FIRST_DRAFT = 4
LONGEST_DRAFT = 16
#: How far ahead of its place the source is searched, by two tokens and by one, for where the answer returns to it.
FAR, NEAR = 48, 3


@dataclass(frozen=True, slots=True)
class Feed:
    """Tokens for the next batch, at consecutive positions from ``position``, with logits for the last ``logits``."""

    tokens: list[int]
    position: int
    logits: int


@dataclass(slots=True)
class DecodingSequence:
    """The state of one answer (mutable).

    ``prompt`` holds the passage and the prompt's end, without the shared prefix, which fills positions below ``start``.
    ``opener`` is the token after which the answer begins to copy its source (``None``: at once); up to it, whatever all
    the ``openings`` that are still possible have in common is the draft.
    """

    index: int
    prompt: list[int]
    forced: list[int]
    source: list[int]
    start: int
    limit: int
    ends: Callable[[int], bool]
    opener: int | None = None
    openings: Sequence[Sequence[int]] = ()
    drafts: bool = True
    slot: int = 0
    answer: list[int] = field(default_factory=list)
    runners_up: list[int] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    finished: bool = False
    complete: bool = False
    _pending: list[int] = field(default_factory=list)
    _position: int = 0
    _fed: int = 0
    _draft: list[int] = field(default_factory=list)
    _draft_length: int = FIRST_DRAFT
    _open: bool = False
    _place: int = 0

    def __post_init__(self) -> None:
        self._position = self.start
        self._open = self.opener is None
        for token in self.forced:
            self._append(token, -1, 0.0)
        self._pending = [*self.prompt, *self.forced]
        self.finished = self.limit < 1

    @property
    def beginning(self) -> list[int]:
        """The prompt and the tokens that the answer is made to begin with."""
        return [*self.prompt, *self.forced]

    @property
    def computed(self) -> list[int]:
        """The tokens from ``start`` on that the cache holds."""
        return [*self.prompt, *self.answer][: self._position - self.start]

    @property
    def is_reading(self) -> bool:
        """Whether a part of the prompt, or of what the answer is made to begin with, is still to be fed."""
        return self._position - self.start < len(self.prompt) + len(self.forced)

    def begin_after(self, known: int) -> None:
        """Leave out the first ``known`` tokens of the beginning: the cache holds them already. Before the first feed.

        At least one is fed, since its logits choose the first token.
        """
        self._position = self.start + known
        self._pending = self.beginning[known:]

    @property
    def cells(self) -> int:
        """Cells of the key-value cache that this answer can need at most."""
        return len(self.prompt) + len(self.forced) + max(0, self.limit) + LONGEST_DRAFT + 1

    def feed(self, room: int, rows: int) -> Feed:
        """Return what to feed: the rest of the prompt, or the last token chosen and a draft behind it."""
        if self.finished or room < 1 or rows < 1:
            self._fed = 0
            return Feed([], self._position, 0)
        self._fed = min(len(self._pending), room)
        if self._fed < len(self._pending):
            return Feed(self._pending[:room], self._position, 0)
        self._draft = self._next_draft(min(room - self._fed, rows - 1))
        return Feed([*self._pending, *self._draft], self._position, 1 + len(self._draft))

    def take(self, logits: Sequence[npt.NDArray[np.float32]]) -> int | None:
        """Use the logits of what :meth:`feed` returned (none for a part of a prompt).

        Returns the position from which the cache holds draft tokens that were refused, or ``None`` if it holds none.
        """
        self._position += self._fed
        self._pending = self._pending[self._fed :]
        for step, row in enumerate(logits):
            token, runner_up, gap = choose(row)
            if self.ends(token):
                self.finished = self.complete = True
                return None
            self._append(token, runner_up, gap)
            if len(self.answer) >= self.limit + len(self.forced):
                self.finished = True
                return None
            drafted = step < len(self._draft)
            if drafted and self._draft[step] == token:
                self._position += 1
                continue
            self._pending = [token]
            self._draft_length = FIRST_DRAFT if drafted else min(2 * self._draft_length, LONGEST_DRAFT)
            return self._position if drafted else None
        return None

    def _next_draft(self, longest: int) -> list[int]:
        if not self.drafts:
            return []
        opening = [] if self._open else self._rest_of_opening()
        if not self._open and opening[-1:] != [self.opener]:
            return opening[: max(0, longest)]
        copied = self.source[self._place : self._place + self._draft_length]
        return [*opening, *copied][: max(0, longest)]

    def _rest_of_opening(self) -> list[int]:
        """Return how the answer must go on, if it goes on as one of the openings does."""
        said = len(self.answer)
        rests = [line[said:] for line in self.openings if list(line[:said]) == self.answer]
        shared = []
        for tokens in zip(*rests, strict=False):
            if len(set(tokens)) > 1:
                break
            shared.append(tokens[0])
        return shared

    def _append(self, token: int, runner_up: int, gap: float) -> None:
        """Add a token to the answer and move the place in the source from which the next draft is taken."""
        before = self.answer[-1] if self.answer else -1
        self.answer.append(token)
        self.runners_up.append(runner_up)
        self.gaps.append(gap)
        if not self._open:
            self._open = token == self.opener
            return
        source, place = self.source, self._place
        for at in range(place, min(place + FAR, len(source))):
            near = at <= place + NEAR
            if source[at] == token and (near or source[at - 1] == before):
                self._place = at + 1
                return


def choose(row: npt.NDArray[np.float32]) -> tuple[int, int, float]:
    """Return the most likely token, the second most likely one, and how far its logit lies below, in nats.

    ``row`` is (vocabulary,); it is left as it was.
    """
    best = int(row.argmax())
    top = float(row[best])
    row[best] = -np.inf
    second = int(row.argmax())
    gap = top - float(row[second])
    row[best] = top
    return best, second, gap
