"""The conversation with the model: what it is asked, what it answers (verdict first), how both are spelled.

Pure text in, text out. It knows no tokenizer, no weights and no document; training and inference both use it, so that
a model is asked at run time just what it was asked in training.

Protocol ``verdict``: one user turn holds the passage, the answer is ``unbiased``, or ``biased: gender`` and on the next
line the rewrite. Protocol ``plain`` (SR_LLM, arXiv 2404.01399, section 3): an instruction with the passage, the whole
rewrite as the answer, no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from srllm_cli.debias.types import DIMENSIONS

#: First words of the two answers; the score compares the first token of each.
BIASED = "biased"
UNBIASED = "unbiased"

#: The instruction of protocol ``plain`` for a model that brings none of its own.
PLAIN_INSTRUCTION = (
    "Rewrite the text so that it carries no bias or stereotype about gender, race, nationality, religion, age, "
    "disability, sexual orientation, social class, politics, appearance or occupation, and no insult. Change as few "
    "words as you can and keep every fact. If there is nothing to change, repeat the text. Answer with the text only."
)

#: One ChatML user turn without a system line: the shortest prompt of a model tuned for this one task.
CHATML_PREFIX = "<|im_start|>user\n"
CHATML_SUFFIX = "<|im_end|>\n<|im_start|>assistant\n"
CHATML_END = "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a model is spoken to. ``prefix`` + passage + ``suffix`` is the prompt.

    ``prefix``, ``suffix`` and ``end`` are tokenised with special tokens; the passage and the answer never are, so that
    control tokens spelled in a document stay text.
    """

    name: str = "verdict"
    prefix: str = CHATML_PREFIX
    suffix: str = CHATML_SUFFIX
    end: str = CHATML_END

    def __post_init__(self) -> None:
        if self.name not in ("verdict", "plain"):
            raise ValueError(f"unknown protocol {self.name!r}: it must be 'verdict' or 'plain'")

    @property
    def has_score(self) -> bool:
        """Whether the first answer token carries a verdict."""
        return self.name == "verdict"


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer. ``dimension`` and ``rewrite`` are ``None`` for ``unbiased``."""

    biased: bool
    dimension: str | None = None
    rewrite: str | None = None


def render_answer(protocol: Protocol, dimension: str | None, rewrite: str) -> str:
    """Return the answer that a model should give; ``dimension`` ``None`` means that the text is neutral."""
    if protocol.name == "plain":
        return rewrite
    return UNBIASED if dimension is None else f"{verdict_line(dimension)}{rewrite}"


def verdict_line(dimension: str) -> str:
    """Return the first line of a ``biased`` answer, with its line break."""
    return f"{BIASED}: {dimension}\n"


def parse_answer(text: str) -> Answer | None:
    """Parse an answer of protocol ``verdict``; ``None`` when it has another form (never guessed at)."""
    if text.strip() == UNBIASED:
        return Answer(biased=False)
    head, newline, rewrite = text.partition("\n")
    label, colon, dimension = head.partition(": ")
    if label != BIASED or not colon or not newline or dimension not in DIMENSIONS:
        return None
    return Answer(biased=True, dimension=dimension, rewrite=rewrite)
