"""Pairs to training examples in the model's own protocol, and examples to weighted tokens.

It knows the protocol and any tokenizer with the Hugging Face interface; it knows no model and no optimiser.
"""

from __future__ import annotations

import difflib
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from srllm_cli.debias.diff import offsets
from srllm_cli.debias.protocol import Protocol, render_answer, verdict_line
from srllm_cli.documents.sentences import sentence_spans
from srllm_cli.training.pairs import Pair

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Example:
    """A passage, and the answer wanted: ``dimension`` is ``None`` for a neutral text, which ``rewrite`` repeats."""

    text: str
    dimension: str | None
    rewrite: str


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of an answer's tokens in the loss.

    Most tokens of a rewrite copy the source and are learnt at once; what decides quality is the verdict and the places
    where the rewrite leaves its source or returns to it.
    """

    verdict: float = 6.0
    edit: float = 2.0
    copy: float = 0.5


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as tokens. ``weights[i]`` weighs the prediction of ``tokens[i]``; it is 0 over the prompt."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    answer_start: int


def build_examples(
    pairs: Sequence[Pair],
    *,
    seed: int,
    passes: int,
    twin_share: float,
    sentence_share: float,
    shares: Mapping[str, float] | None = None,
) -> list[list[Example]]:
    """Return the examples of each pass over the data.

    Every pass has each record whole, or the share of each source's records that ``shares`` gives it (by the prefix of
    the ids, ``*`` for those not named). ``twin_share`` of the biased records also give their debiased text as a neutral
    example, and ``sentence_share`` of the records of several sentences give one window of one or two sentences; which
    records do so rotates from pass to pass, so that several passes see them all.
    """
    result = []
    for number in range(passes):
        chooser = random.Random(f"{seed}-{number}")
        examples: list[Example] = []
        taken = [p for i, p in enumerate(pairs) if _is_taken(i, number, share_of(p.id, shares or {}))]
        for index, pair in enumerate(taken):
            examples.append(whole(pair))
            if pair.label == "biased" and _turn(index, number, twin_share):
                examples.append(Example(pair.debiased_text, None, pair.debiased_text))
            if _turn(index // 2, number, sentence_share):
                windows = sentence_examples(pair)
                if windows:
                    examples.append(chooser.choice(windows))
        result.append(examples)
    return result


def whole(pair: Pair) -> Example:
    """Return the example of a whole record."""
    return Example(pair.biased_text, pair.dimension if pair.label == "biased" else None, pair.debiased_text)


def sentence_examples(pair: Pair) -> list[Example]:
    """Return an example for each sentence of a longer text, and for each two that follow each other.

    A sentence's counterpart is cut out of the debiased text along a word alignment of the two. Sentences whose ends
    fall into an edit are left out, and so are those that the rewrite drops whole.
    """
    spans = sentence_spans(pair.biased_text)
    if len(spans) < 2:
        return []
    position = _aligned_positions(pair.biased_text, pair.debiased_text)
    examples = []
    for size in (1, 2):
        for first in range(len(spans) - size + 1):
            start, end = spans[first][0], spans[first + size - 1][1]
            to_start, to_end = position.get(start), position.get(end)
            if to_start is None or to_end is None:
                continue
            source, target = pair.biased_text[start:end], pair.debiased_text[to_start:to_end]
            if target.strip() != target or not target:
                continue
            examples.append(Example(source, pair.dimension if source != target else None, target))
    return examples


def encode(example: Example, tokenizer: Any, protocol: Protocol, weights: LossWeights) -> Encoded:
    """Tokenise an example; the passage and the answer are encoded as plain text, so they hold no control tokens."""
    prefix = control_tokens(tokenizer, protocol.prefix)
    suffix = control_tokens(tokenizer, protocol.suffix)
    end = control_tokens(tokenizer, protocol.end)
    source = plain_tokens(tokenizer, example.text)
    if protocol.has_score:
        if example.dimension is None:
            head, rewrite = plain_tokens(tokenizer, render_answer(protocol, None, "")), []
        else:
            head = plain_tokens(tokenizer, verdict_line(example.dimension))
            rewrite = plain_tokens(tokenizer, example.rewrite)
        head_weights = [weights.verdict] + [1.0] * (len(head) - 1)
    else:
        head, head_weights, rewrite = [], [], plain_tokens(tokenizer, example.rewrite)
    prompt = [*prefix, *source, *suffix]
    answer = [*head, *rewrite, *end]
    answer_weights = [*head_weights, *edit_weights(source, rewrite, weights), *([weights.edit] * len(end))]
    return Encoded(
        tokens=(*prompt, *answer),
        weights=(*([0.0] * len(prompt)), *answer_weights),
        answer_start=len(prompt),
    )


def edit_weights(source: Sequence[int], target: Sequence[int], weights: LossWeights) -> list[float]:
    """Weigh a rewrite's tokens: those that an edit writes, and the first one after it, over those that copy."""
    result = [weights.copy] * len(target)
    matcher = difflib.SequenceMatcher(None, source, target, autojunk=False)
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag == "equal":
            continue
        for index in range(start, min(end + 1, len(target))):
            result[index] = weights.edit
    return result


def plain_tokens(tokenizer: Any, text: str) -> list[int]:
    """Encode text with special-token parsing off: ``<|im_end|>`` in a document is eleven letters and signs."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def control_tokens(tokenizer: Any, text: str) -> list[int]:
    """Encode a piece of the protocol, in which control tokens are control tokens."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def share_of(identifier: str, shares: Mapping[str, float]) -> float:
    """Return the share of its source's records in a pass, 1 where none is given."""
    return shares.get(identifier.rpartition("-")[0], shares.get("*", 1.0))


def _is_taken(index: int, number: int, share: float) -> bool:
    """Whether record ``index`` is among the ``share`` of records of pass ``number``; the next pass takes others."""
    before = index * share + number * share
    return math.floor(before + share) > math.floor(before)


def _turn(index: int, number: int, share: float) -> bool:
    """Whether record ``index`` is among the ``share`` of records whose turn it is in pass ``number``."""
    if share <= 0:
        return False
    cycle = max(1, round(1 / share))
    return index % cycle == number % cycle


def _aligned_positions(source: str, target: str) -> dict[int, int]:
    """Map offsets at token borders of ``source`` to those of ``target`` wherever the two agree on one side of it."""
    old, new = _TOKEN.findall(source), _TOKEN.findall(target)
    old_at, new_at = offsets(old), offsets(new)
    positions: dict[int, int] = {0: 0, len(source): len(target)}
    for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            positions[old_at[block.a + step]] = new_at[block.b + step]
            positions[old_at[block.a + step + 1]] = new_at[block.b + step + 1]
    return positions
