"""Puts the judge's questions to a server, for every rewrite, so that a killed run goes on: the answers are on disk.

Answers are kept in a JSON Lines file of the server and model, keyed by question: a text that two systems left alone is
judged once. What is asked, and what the answers are worth, is in ``judge``; the wire is in ``chat``.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from srllm_cli.errors import DataError
from srllm_cli.evaluation import judge
from srllm_cli.evaluation.chat import ChatServer, Reply, ServerError, ask_in_order
from srllm_cli.evaluation.judge import AnswerError, JudgeScores, Prompt, Statements, Word

#: Environment variable that holds the judge's key.
KEY_VARIABLE = "SRLLM_JUDGE_API_KEY"
#: Length bound of an answer, in tokens: two full lists of statements.
_ANSWER_TOKENS = 2048
#: An answer that is not what was asked for is asked for again so often, with what is wrong with it.
_SECOND_TRIES = 2

Parsed = TypeVar("Parsed")
#: Called after each rewrite: rewrites judged, rewrites in all.
Judged = Callable[[int, int], None]


class Judge:
    """A judge with its answers so far (holds the connection and the open answers file). Use :func:`open_judge`."""

    def __init__(self, server: ChatServer, answers: dict[str, str], path: Path) -> None:
        self._server, self._answers, self._path = server, answers, path
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model and address."""
        return f"{self._server.model} at {self._server.url}"

    def score_all(
        self, pairs: Sequence[tuple[str, str]], at_once: int, progress: Judged | None = None
    ) -> list[JudgeScores]:
        """Score (source, rewrite) pairs, some at a time; each distinct pair once.

        Raises:
            ServerError: when the server fails or does not answer what it is asked. What it answered before is kept.
        """
        distinct = list(dict.fromkeys(pairs))
        scores: dict[tuple[str, str], JudgeScores] = {}
        for pair, found in zip(distinct, ask_in_order(self._score, distinct, at_once), strict=True):
            scores[pair] = found
            if progress is not None:
                progress(len(scores), len(distinct))
        return [scores[pair] for pair in pairs]

    def _score(self, pair: tuple[str, str]) -> JudgeScores:
        source, rewrite = pair
        before, after = self._statements(source), self._statements(rewrite)
        return JudgeScores(
            bias_before=judge.fault_share(self._verdicts(judge.bias_prompt(before))),
            toxicity_before=judge.fault_share(self._verdicts(judge.toxicity_prompt(before))),
            bias=judge.fault_share(self._verdicts(judge.bias_prompt(after))),
            toxicity=judge.fault_share(self._verdicts(judge.toxicity_prompt(after))),
            knowledge_retention=judge.retention(self._verdicts(judge.retention_prompt(before, rewrite))),
            faithfulness=judge.sound_share(self._verdicts(judge.faithfulness_prompt(after, source))),
            answer_relevancy=judge.sound_share(self._verdicts(judge.relevancy_prompt(after, source))),
        )

    def _statements(self, text: str) -> Statements:
        if not text.strip():  # a judge that is asked about nothing invents something
            return Statements(facts=[], opinions=[])
        return self._answer(judge.statements_prompt(text), judge.read_statements)

    def _verdicts(self, prompt: Prompt | None) -> list[Word]:
        if prompt is None:
            return []
        count = len(prompt.schema["properties"])
        return self._answer(prompt, lambda answer: judge.read_verdicts(answer, count))

    def _answer(self, prompt: Prompt, read: Callable[[str], Parsed]) -> Parsed:
        """Return the parsed answer, from the file or from the server; only what could be parsed is written."""
        key = hashlib.sha256(json.dumps([prompt.content, prompt.schema]).encode()).hexdigest()[:24]
        with self._lock:
            known = self._answers.get(key)
        if known is not None:
            try:
                return read(known)
            except AnswerError as error:
                raise DataError(f"{self._path}: a kept answer is broken: {error}", hint="use --fresh") from error
        answer, parsed = self._ask(prompt, read)
        with self._lock:
            self._answers[key] = answer
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"key": key, "answer": answer}) + "\n")
        return parsed

    def _ask(self, prompt: Prompt, read: Callable[[str], Parsed]) -> tuple[str, Parsed]:
        messages, fault = prompt.messages, ""
        for _ in range(1 + _SECOND_TRIES):
            reply = self._server.ask(messages, max_tokens=_ANSWER_TOKENS, schema=prompt.schema)
            try:
                return reply.text, read(_whole(reply))
            except AnswerError as error:
                fault = str(error)
                complaint = f"That is not what was asked for ({fault}). Answer again, with the JSON only."
                messages = [
                    *prompt.messages,
                    {"role": "assistant", "content": reply.text[:_ANSWER_TOKENS]},
                    {"role": "user", "content": complaint},
                ]
        raise ServerError(
            f"{self._server.url}: {self._server.model} does not answer what a judge is asked: {fault}",
            hint="take a stronger --judge-model; what was answered so far is kept",
        )


@contextmanager
def open_judge(url: str, model: str | None, folder: Path, *, fresh: bool = False) -> Iterator[Judge]:
    """Open a judge with the answers that earlier runs kept in ``folder``, for this process alone.

    Raises:
        ServerError: when the server cannot be reached or names no single model.
        DataError: when the answers file is in use, broken or cannot be written.
    """
    server = ChatServer(url, model, key_variable=KEY_VARIABLE)
    mark = hashlib.sha256(f"{server.url}\0{server.model}".encode()).hexdigest()[:12]
    path = folder / f"judge-{mark}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=0):
            if fresh:
                path.unlink(missing_ok=True)
            yield Judge(server, _load(path), path)
    except Timeout as error:
        raise DataError(f"{path}: another evaluation is using this judge's answers") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", hint="name another folder with --records") from error


def _whole(reply: Reply) -> str:
    if not reply.complete:
        raise AnswerError("longer than it may be")
    return reply.text


def _load(path: Path) -> dict[str, str]:
    """Read the kept answers; a last line that a killed run left half written is cut off."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
    answers: dict[str, str] = {}
    for number, line in enumerate(whole.decode("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            answers[row["key"]] = str(row["answer"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number}: not a judge's answer", hint="start over with --fresh") from error
    return answers
