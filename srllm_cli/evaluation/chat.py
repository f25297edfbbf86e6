"""A chat-completions server (any OpenAI-compatible address): one question in, one answer out, several at a time.

Holds the connection, the model's name and the key; turns whatever goes wrong on the wire into one error with a way
out. Knows no prompt, no text of an evaluation and no score. Needs the package ``openai`` (extra ``[judge]``), which is
imported when a server is first asked.
"""

from __future__ import annotations

import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from srllm_cli.errors import MissingExtraError, SrllmError

#: A question may wait long behind others on a machine that answers one at a time.
_TIMEOUT_SECONDS = 600.0
#: The client's own second tries, with growing pauses: connection errors, time-outs, 408, 409, 429 and 5xx.
_RETRIES = 2
#: Likeliest first tokens asked for when a verdict is read from them; the most that servers commonly give.
_TOP_TOKENS = 20
_NO_COMPLETION = "the reply is no chat completion"
_V1 = "the address usually ends in /v1"

Question = TypeVar("Question")
Given = TypeVar("Given")


class ServerError(SrllmError):
    """A chat-completions server cannot be reached, refuses, or answers something else than was asked for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``complete``: it was not cut off. ``first``: probabilities of the likeliest first tokens, if given."""

    text: str
    complete: bool
    first: Mapping[str, float] | None = None


class ChatServer:
    """One model behind one address. Connects at the first question; safe to use from several threads."""

    def __init__(self, url: str, model: str | None = None, *, key_variable: str) -> None:
        """Take the base address (``http://127.0.0.1:8000/v1``); without a model, the only one that the server has.

        ``key_variable`` names the environment variable that holds the key: a key on a command line would stay in the
        shell's history.

        Raises:
            ServerError: when the address is none.
        """
        if not url.startswith(("http://", "https://")):
            raise ServerError(f"{url!r} is no address of a server", hint="such as http://127.0.0.1:8000/v1")
        self.url, self._model, self._key_variable = url.rstrip("/"), model, key_variable
        self._client: Any = None
        self._old_format = False  # llama-cpp-python's server knows a schema by an older name only
        self._no_probabilities = False  # and gives probabilities only when it was started so

    @property
    def model(self) -> str:
        """The model's name; asks the server when none was given.

        Raises:
            ServerError: when the server has not exactly one model.
        """
        if self._model is None:
            page = self._call(lambda: self._connected().models.list())
            listed = [str(model.id) for model in getattr(page, "data", None) or []]
            if len(listed) != 1:
                names = ", ".join(listed[:8]) or "it lists none"
                raise ServerError(f"{self.url} has {len(listed)} models", hint=f"name one: {names}")
            self._model = listed[0]
        return self._model

    def ask(
        self,
        messages: list[dict[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Ask once, at temperature 0.

        Args:
            messages: the turns, with ``role`` and ``content``.
            max_tokens: bound of the answer.
            schema: JSON schema that the server is asked to hold the answer to.

        Raises:
            ServerError: when there is no usable reply.
        """
        options: dict[str, Any] = {"model": self.model, "messages": messages, "max_tokens": max_tokens}
        if schema is None:
            return self._chat(options)
        if not self._old_format:
            try:
                return self._chat(options | {"response_format": _json_schema(schema)})
            except ServerError as error:
                if not _is_about("response_format", error.__cause__):
                    raise
                self._old_format = True
        return self._chat(options | {"response_format": {"type": "json_object", "schema": dict(schema)}})

    def complete(self, prompt: str, *, max_tokens: int, stop: str) -> Reply:
        """Let the model go on with a prompt that is written out, control tokens and all, at temperature 0.

        A chat's template may add turns of its own (a default system line), which a tuned model has never seen.

        Raises:
            ServerError: when there is no usable reply.
        """
        options: dict[str, Any] = {"model": self.model, "prompt": prompt, "max_tokens": max_tokens, "stop": [stop]}
        if not self._no_probabilities:
            try:
                return self._completion(options | {"logprobs": _TOP_TOKENS})
            except ServerError as error:
                if not _is_about("logprobs", error.__cause__):
                    raise
                self._no_probabilities = True
        return self._completion(options)

    def _chat(self, options: Mapping[str, Any]) -> Reply:
        completion = self._call(lambda: self._connected().chat.completions.create(temperature=0.0, **options))
        choice = self._choice(completion, "message")
        return Reply(choice.message.content or "", getattr(choice, "finish_reason", None) != "length")

    def _completion(self, options: Mapping[str, Any]) -> Reply:
        completion = self._call(lambda: self._connected().completions.create(temperature=0.0, **options))
        choice = self._choice(completion, "text")
        top = getattr(getattr(choice, "logprobs", None), "top_logprobs", None)
        first = {token: math.exp(value) for token, value in top[0].items()} if top else None
        return Reply(choice.text, getattr(choice, "finish_reason", None) != "length", first)

    def _choice(self, completion: Any, part: str) -> Any:
        """Return the first choice of a reply, which must have this part: the client itself checks no reply's form."""
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices or getattr(choices[0], part, None) is None:
            raise ServerError(f"{self.url}: {_NO_COMPLETION}", hint=_V1)
        return choices[0]

    def _connected(self) -> Any:
        if self._client is None:
            try:
                from openai import OpenAI
            except ImportError as error:
                raise MissingExtraError("eval with a server", "judge") from error
            key = os.environ.get(self._key_variable) or "none"  # local servers ask for no key, the client for any
            self._client = OpenAI(base_url=self.url, api_key=key, timeout=_TIMEOUT_SECONDS, max_retries=_RETRIES)
        return self._client

    def _call(self, send: Callable[[], Given]) -> Given:
        """Send a request; everything that can go wrong on the way becomes one ``ServerError``."""
        self._connected()
        import openai

        try:
            return send()
        except openai.APITimeoutError as error:
            raise ServerError(f"{self.url}: no answer within {_TIMEOUT_SECONDS:.0f} seconds") from error
        except openai.APIConnectionError as error:
            raise ServerError(f"{self.url}: cannot be reached: {error.__cause__ or error}", hint="is it up?") from error
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            hint = f"set {self._key_variable} to the server's key"
            raise ServerError(f"{self.url}: the key was refused ({error.status_code})", hint=hint) from error
        except openai.APIStatusError as error:
            raise ServerError(f"{self.url}: {error.status_code}: {_first_line(error.message)}") from error
        except (openai.OpenAIError, json.JSONDecodeError) as error:
            raise ServerError(f"{self.url}: {_NO_COMPLETION}", hint=_V1) from error


def ask_in_order(ask: Callable[[Question], Given], questions: Iterable[Question], at_once: int) -> Iterator[Given]:
    """Yield the answer to each question in order, with at most ``at_once`` under way.

    An error is raised at its place in the order; what has not been begun is then dropped.
    """
    with ThreadPoolExecutor(at_once) as pool:
        waiting: deque[Future[Given]] = deque()
        try:
            for question in questions:
                waiting.append(pool.submit(ask, question))
                if len(waiting) == at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)}}


def _is_about(option: str, error: BaseException | None) -> bool:
    """Return whether a server's refusal names this option of the request."""
    return option in f"{error} {getattr(error, 'body', '')}"


def _first_line(message: str) -> str:
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    return (lines[0] if lines else "no message")[:200]
