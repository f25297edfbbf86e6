"""Ways of doing srllm's job with the same GGUF: what is timed. Each takes passages and says how much it did.

The prompts are the same to the token, and the model's answer is too (verdict first): what differs is how the tokens
come about. Heavy libraries are imported by the system that needs them, inside its own process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from srllm_cli.debias.protocol import BIASED, CHATML_PREFIX, CHATML_SUFFIX, PLAIN_INSTRUCTION, UNBIASED

#: Longest answer, in tokens, and the context that the longest passage and its answer need.
LONGEST_ANSWER, CONTEXT = 512, 1024
#: The prompt of a model tuned for this task. llama-cpp-python's own "chatml" would add an empty system line.
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}<|im_start|>assistant\n"
)


@dataclass(frozen=True, slots=True)
class Work:
    """What was done with some passages: how many were found biased; tokens written (``None``: not known)."""

    found: int
    written: int | None = None


class System(Protocol):
    """Something that works through passages. Made in its own process; ``child`` is a further process that it runs."""

    child: int | None

    def run(self, passages: Sequence[str]) -> Work:
        """Work through the passages."""

    def close(self) -> None:
        """Free what it holds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every system is given: the model's GGUF and the number of threads.

    ``base`` is the model that it was tuned from, in the same type (``None``: not known), for who has no tuned one.
    """

    model: Path
    threads: int
    base: Path | None = None


class MissingSystemError(Exception):
    """A system that this machine does not have; the message says what to install."""


class InProcess:
    """A system with no process of its own and nothing to free."""

    child: int | None = None

    def close(self) -> None:
        """Nothing to do: the process ends."""


class Chat(InProcess):
    """``Llama.create_chat_completion``, one passage at a time: what a user would write."""

    def __init__(self, settings: Settings, draft: int = 0) -> None:
        """Load the model; ``draft`` tokens are looked up in the prompt (``LlamaPromptLookupDecoding``), 0 for none."""
        from llama_cpp import Llama
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter
        from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

        formatter = Jinja2ChatFormatter(template=_TEMPLATE, eos_token="<|im_end|>", bos_token="")
        self._llama = Llama(
            str(settings.model),
            n_ctx=CONTEXT,
            n_threads=settings.threads,
            n_threads_batch=settings.threads,
            chat_handler=formatter.to_chat_handler(),
            draft_model=LlamaPromptLookupDecoding(num_pred_tokens=draft) if draft else None,
            verbose=False,
        )

    def run(self, passages: Sequence[str]) -> Work:
        """Ask for each passage in turn, greedily."""
        answers = [
            self._llama.create_chat_completion(
                [{"role": "user", "content": passage}], temperature=0.0, max_tokens=LONGEST_ANSWER
            )
            for passage in passages
        ]
        texts = [answer["choices"][0]["message"]["content"] for answer in answers]
        return Work(count_found(texts), sum(answer["usage"]["completion_tokens"] for answer in answers))


class Instructed(InProcess):
    """``Llama.create_chat_completion`` without a tuned model: the base model is told to rewrite each passage."""

    def __init__(self, settings: Settings) -> None:
        from llama_cpp import Llama

        if settings.base is None:
            raise MissingSystemError("the model's base is not known; it is for a built-in model")
        self._llama = Llama(
            str(settings.base),
            n_ctx=CONTEXT,
            n_threads=settings.threads,
            n_threads_batch=settings.threads,
            verbose=False,
        )

    def run(self, passages: Sequence[str]) -> Work:
        """Ask for a rewrite of each passage, of at most twice its length; all that change count as found."""
        found = written = 0
        for passage in passages:
            answer = self._llama.create_chat_completion(
                [{"role": "user", "content": f"{PLAIN_INSTRUCTION}\n\nText:\n{passage}"}],
                temperature=0.0,
                max_tokens=2 * len(self._llama.tokenize(passage.encode(), add_bos=False)) + 32,
            )
            found += answer["choices"][0]["message"]["content"].strip() != passage
            written += answer["usage"]["completion_tokens"]
        return Work(found, written)


class Engine(InProcess):
    """srllm's engine alone, doing what the chat does: a verdict on each passage, one greedy answer to the biased."""

    def __init__(self, settings: Settings) -> None:
        from srllm_cli.debias.protocol import Protocol as Spoken
        from srllm_cli.engines.llama import LlamaEngine
        from srllm_cli.engines.options import EngineOptions

        self._engine = LlamaEngine(settings.model, Spoken(), EngineOptions(threads=settings.threads))

    def run(self, passages: Sequence[str]) -> Work:
        """Score all; answer those whose first token would be ``biased``."""
        from srllm_cli.debias.engine import DecodeRequest

        scores = self._engine.score(passages)
        biased = [passage for passage, score in zip(passages, scores, strict=True) if score >= 0.5]
        opening = self._engine.biased_prefix()
        answers = self._engine.decode([DecodeRequest(passage, opening) for passage in biased])
        return Work(len(biased), sum(len(answer.tokens) for answer in answers) + len(passages) - len(biased))


class Scoring(InProcess):
    """The engine's scoring pass alone, for its share of the machine's arithmetic. ``written`` is the tokens read."""

    def __init__(self, settings: Settings) -> None:
        from srllm_cli.debias.protocol import Protocol as Spoken
        from srllm_cli.engines.llama import LlamaEngine
        from srllm_cli.engines.options import EngineOptions

        self._engine = LlamaEngine(settings.model, Spoken(), EngineOptions(threads=settings.threads))

    def run(self, passages: Sequence[str]) -> Work:
        """Score all."""
        scores = self._engine.score(passages)
        suffix = len(self._engine.tokenize(CHATML_SUFFIX))
        read = sum(len(self._engine.tokenize(passage)) + suffix for passage in passages)
        return Work(sum(score >= 0.5 for score in scores), read)


class Srllm(InProcess):
    """The whole of ``srllm rewrite``: verdicts, rewrites, guards, second verdicts, further candidates and rounds."""

    def __init__(self, settings: Settings) -> None:
        from srllm_cli.api import Debiaser
        from srllm_cli.engines.options import EngineOptions

        self._debiaser = Debiaser(str(settings.model), options=EngineOptions(threads=settings.threads))

    def run(self, passages: Sequence[str]) -> Work:
        """Rewrite one plain document whose paragraphs are the passages."""
        result = self._debiaser.rewrite("\n\n".join(passages) + "\n")
        threshold = self._debiaser.threshold
        return Work(sum(passage.score is not None and passage.score >= threshold for passage in result.passages))


def count_found(answers: Sequence[str]) -> int:
    """Count the answers that say ``biased``."""
    return sum(answer.lstrip().startswith(BIASED) and not answer.lstrip().startswith(UNBIASED) for answer in answers)


def prompt(passage: str) -> str:
    """Return the whole prompt as text, for systems that take no messages."""
    return f"{CHATML_PREFIX}{passage}{CHATML_SUFFIX}"


def _other(name: str) -> Callable[[Settings], System]:
    def make(settings: Settings) -> System:
        from bench import others

        system: System = getattr(others, name)(settings)
        return system

    return make


@dataclass(frozen=True, slots=True)
class Entry:
    """A system in the tables: its title, and how it is made."""

    title: str
    make: Callable[[Settings], System]


#: Systems by name, in the order of the tables.
SYSTEMS: dict[str, Entry] = {
    "chat": Entry("`chat`: `Llama.create_chat_completion`, one by one", Chat),
    "instructed": Entry("the same without a tuned model: its base told to rewrite each passage", Instructed),
    "lookup-2": Entry("`chat` with `LlamaPromptLookupDecoding(2)`", lambda settings: Chat(settings, draft=2)),
    "lookup-10": Entry("`chat` with `LlamaPromptLookupDecoding(10)`", lambda settings: Chat(settings, draft=10)),
    "transformers": Entry("transformers `generate`, 8 at a time", _other("Transformers")),
    "server": Entry("`llama_cpp.server`, 4 requests at a time", _other("Server")),
    "alex": Entry("alex: flags words, rewrites nothing", _other("AlexLinter")),
    "engine": Entry("srllm's engine: verdict and one answer", Engine),
    "srllm": Entry("**srllm rewrite**, whole", Srllm),
}
#: Not in the tables: what the share of the machine's arithmetic is measured with.
TOOLS: dict[str, Callable[[Settings], Any]] = {"scoring": Scoring, "matmul": _other("Matmul")}
