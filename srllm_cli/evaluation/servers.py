"""Models that somebody else runs: any OpenAI-compatible server as a system of an evaluation.

What is sent and how an answer is read, in both protocols; the wire itself is in ``chat``. No guards and no second look
are applied: it shows what the bare model answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from srllm_cli.debias.protocol import BIASED, PLAIN_INSTRUCTION, UNBIASED, Protocol, parse_answer
from srllm_cli.evaluation.chat import ChatServer, ServerError, ask_in_order
from srllm_cli.evaluation.systems import CoversAll, SystemOutput
from srllm_cli.evaluation.texts import EvalText

#: Environment variable that holds the key of a server under test.
KEY_VARIABLE = "SRLLM_SERVER_API_KEY"
#: What a tuned model was asked in training; a server shows no metadata that could say otherwise.
_TUNED = Protocol()


class ServerSystem(CoversAll):
    """A model behind a chat-completions server.

    Protocol ``plain``: asked in plain words, the whole answer is the rewrite, no score. Protocol ``verdict`` (a model
    tuned by ``srllm train``): the prompt of training is written out, the verdict is read from the answer, and the score
    from the probabilities of the first token where the server gives them.
    """

    def __init__(self, url: str, model: str | None, *, verdict: bool = False, at_once: int = 4) -> None:
        """Take the server's address, the model's name there (``None``: its only one) and requests to have under way.

        Raises:
            ServerError: when the address is none.
        """
        self._server = ChatServer(url, model, key_variable=KEY_VARIABLE)
        self._verdict, self._at_once = verdict, at_once

    @cached_property
    def name(self) -> str:
        """Protocol and model; asks the server when no model was named."""
        return f"{'verdict-server' if self._verdict else 'server'}:{self._server.model}"

    @cached_property
    def fingerprint(self) -> str:
        """Address, model and what is asked."""
        asked = "verdict" if self._verdict else PLAIN_INSTRUCTION
        return f"server|{self._server.url}|{self._server.model}|{asked}"

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Ask for one text after the other, some at a time; outputs come in order."""
        ask = self._ask_verdict if self._verdict else self._ask_plain
        return ask_in_order(ask, (text.text for text in texts), self._at_once)

    def _ask_plain(self, text: str) -> SystemOutput:
        message = {"role": "user", "content": f"{PLAIN_INSTRUCTION}\n\nText: {text}"}
        reply = self._server.ask([message], max_tokens=_bound(text))
        answer = reply.text.strip() or text
        return SystemOutput(answer, None, flagged=answer != text)

    def _ask_verdict(self, text: str) -> SystemOutput:
        prompt = f"{_TUNED.prefix}{text}{_TUNED.suffix}"
        reply = self._server.complete(prompt, max_tokens=_bound(text), stop=_TUNED.end)
        answer = parse_answer(reply.text)
        if answer is None:
            raise ServerError(
                f"{self._server.url}: an answer is not of protocol 'verdict': {reply.text[:60]!r}",
                hint="a model that srllm did not train is server:URL, without verdict-",
            )
        score = None if reply.first is None else first_token_score(reply.first)
        return SystemOutput(answer.rewrite or text, score, flagged=answer.biased)


def first_token_score(first: Mapping[str, float]) -> float | None:
    """Return p(biased) / (p(biased) + p(unbiased)) from the first token's probabilities, as the engine defines it.

    A vocabulary may cut the words (``un`` + ``biased``), so any token that begins one of them counts for it. ``None``
    when neither is among the tokens.
    """
    sums = {
        word: sum(p for token, p in first.items() if token and word.startswith(token)) for word in (BIASED, UNBIASED)
    }
    total = sums[BIASED] + sums[UNBIASED]
    return sums[BIASED] / total if total else None


def _bound(text: str) -> int:
    """Return how many tokens an answer may have: a token is no shorter than a byte, and a rewrite adds little."""
    return len(text.encode()) + 64
