"""What the core asks of an engine, whatever produces the tokens. Interfaces only; no model and no I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from srllm_cli.debias.protocol import Protocol


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """Answer ``text``; the answer begins with the tokens ``forced`` (an engine's own ids)."""

    text: str
    forced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A greedy answer.

    ``tokens`` are the answer's ids without the end token, ``runners_up[i]`` the second most likely token at step ``i``
    and ``gaps[i]`` how many nats its logit lay below the chosen one (0 for forced tokens, whose runner-up is -1).
    ``complete`` says that the model ended the answer itself, within the length bound.
    """

    text: str
    tokens: tuple[int, ...]
    runners_up: tuple[int, ...]
    gaps: tuple[float, ...]
    complete: bool


class Scorer(Interface):
    """Scores passages: all that is asked of a model that screens for another."""

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return the score of each text, in [0, 1]; higher means biased."""
        ...


class Engine(Interface):
    """Scores and answers passages. Results come in the order of the requests."""

    protocol: Protocol

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return p(biased) / (p(biased) + p(unbiased)) of each text. Only with protocol ``verdict``."""
        ...

    def decode(self, requests: Sequence[DecodeRequest]) -> list[Decoded]:
        """Answer each request greedily."""
        ...

    def biased_prefix(self) -> tuple[int, ...]:
        """Return the tokens with which an answer of protocol ``verdict`` says ``biased``."""
        ...
