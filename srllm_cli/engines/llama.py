"""The engine in process: verdicts and answers for many passages at a time, on one model's key-value cache.

Passages share batches and the cache of the prompt's prefix; logits are computed only where a verdict is read or a token
is chosen; what was computed for a verdict or an answer is used again by what begins like it. It knows tokens and
sequences; it knows no document and no guard.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from srllm_cli.debias.engine import Decoded, DecodeRequest
from srllm_cli.debias.protocol import BIASED, UNBIASED, Protocol, verdict_line
from srllm_cli.debias.types import DIMENSIONS
from srllm_cli.engines.context import BATCH_TOKENS, CACHE_CELLS, LlamaContext
from srllm_cli.engines.decoding import DecodingSequence
from srllm_cli.engines.options import EngineOptions
from srllm_cli.engines.remembered import Beginning, RememberedSequences, common
from srllm_cli.errors import ModelError

#: Sequences decoded or scored side by side. One more holds the prompt's shared prefix.
SEQUENCES = 32
#: Sequences kept after they were computed, and the cells of the cache set aside for them. With those above 64 in all,
#: the most that every supported llama.cpp takes.
REMEMBERED, REMEMBERED_CELLS = 31, 1536
#: A call that scores more tokens than this keeps nothing: what it kept first would be gone before it is answered, and
#: all that is kept costs attention (2,000 cells: 18 % of a batch's time with the small model).
KEEPING_TOKENS = 4 * REMEMBERED_CELLS
#: The score from which a text's sequence is kept: it is the prompt of the rewrite that may follow. Lower than any
#: sensible threshold, since a threshold is not the engine's to know.
KEPT_FROM = 0.25
#: Scores kept by text, so that a passage that recurs in a run is computed once: some 4 MB.
KNOWN_SCORES = 20_000
#: Rows of logits in one step of decoding; a row is the vocabulary in float32 (200 KB for the small model).
LOGIT_ROWS = 96
#: Waiting a step for another request's prompt pays from this many tokens in common.
WORTH_WAITING = 8


class LlamaEngine:
    """A loaded model with its context (stateful: key-value cache). Use from one thread; ``close`` frees it."""

    def __init__(self, path: Path, protocol: Protocol | None, options: EngineOptions | None = None) -> None:
        """Load the GGUF. Without ``protocol`` the model's own chat template and protocol ``plain`` are used.

        Raises:
            ModelError: when llama.cpp cannot load the file, or the protocol does not fit its vocabulary.
        """
        self.path = path
        self._llama = LlamaContext(path, 1 + SEQUENCES + REMEMBERED, options or EngineOptions())
        self._can_rewind = self._llama.can_rewind
        slots = range(SEQUENCES + 1, SEQUENCES + REMEMBERED + 1) if self._can_rewind else ()
        self._remembered = RememberedSequences(slots, REMEMBERED_CELLS)
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self.protocol = protocol or self._plain_protocol()
        self._suffix = self._llama.tokenize(self.protocol.suffix, control=True)
        special = self.protocol.name == "plain"
        self._prefix = self._llama.tokenize(self.protocol.prefix, control=True, special=special)
        self._end = self._llama.tokenize(self.protocol.end, control=True)
        self._verdict_tokens = self._first_answer_tokens() if self.protocol.has_score else None
        dimensions = DIMENSIONS if self.protocol.has_score else ()
        self._openings = [self.tokenize(verdict_line(dimension)) for dimension in dimensions]
        self._opener = self._openings[0][-1] if self._openings else None
        self._load_prefix()

    def close(self) -> None:
        """Free the context and the weights."""
        self._llama.close()

    def __enter__(self) -> LlamaEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Tokens ----------------------------------------------------------------------------------------------------------

    def tokenize(self, text: str) -> list[int]:
        """Encode a document's text: what spells a control token in it stays plain text."""
        return self._llama.tokenize(text, control=False)

    def detokenize(self, tokens: Sequence[int]) -> str:
        """Decode tokens; control tokens are left out, bytes that are no UTF-8 become U+FFFD."""
        return self._llama.detokenize(tokens)

    def biased_prefix(self) -> tuple[int, ...]:
        """Return the tokens with which an answer says ``biased``."""
        return tuple(self.tokenize(BIASED))

    # Verdicts --------------------------------------------------------------------------------------------------------

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return p(biased) / (p(biased) + p(unbiased)) of each text, from the first answer token's logits.

        A text that was scored before has its score from then.
        """
        if self._verdict_tokens is None:
            raise ModelError(f"{self.path}: protocol 'plain' gives no verdict")
        keys = [hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        scores = {key: self._known[key] for key in keys if key in self._known}
        prompts = [[*self.tokenize(text), *self._suffix] for text in new.values()]
        scores |= zip(new, self._score_prompts(prompts), strict=True)
        self._known |= scores
        while len(self._known) > KNOWN_SCORES:
            self._known.popitem(last=False)
        return [scores[key] for key in keys]

    def _score_prompts(self, prompts: Sequence[list[int]]) -> list[float]:
        scores = [0.0] * len(prompts)
        keep = sum(map(len, prompts)) <= KEEPING_TOKENS
        if not keep:
            self._forget_remembered()
        group: list[tuple[int, Beginning]] = []
        tokens = 0
        # Neighbours of similar length fill batches best. The order changes a score by no more than rounding does.
        for index in sorted(range(len(prompts)), key=lambda index: len(prompts[index])):
            prompt = prompts[index]
            known = self._remembered.longest(prompt[:-1])
            if group and (tokens + len(prompt) - known.length > BATCH_TOKENS or len(group) == SEQUENCES):
                self._score_group(group, prompts, scores, keep=keep)
                group, tokens = [], 0
                known = self._remembered.longest(prompt[:-1])  # the group may have put another in its place
            known = self._begin(len(group) + 1, len(prompt), known)
            group.append((index, known))
            tokens += len(prompt) - known.length
        self._score_group(group, prompts, scores, keep=keep)
        return scores

    def _score_group(
        self, group: Sequence[tuple[int, Beginning]], prompts: Sequence[list[int]], scores: list[float], *, keep: bool
    ) -> None:
        """Prefill each prompt of a group in its slot, 1 and up; a prompt longer than a batch is a group of its own."""
        assert self._verdict_tokens is not None
        biased, unbiased = self._verdict_tokens
        rows: list[int] = []
        batch = self._llama.batch
        batch.clear()
        for slot, (index, known) in enumerate(group, 1):
            rest = prompts[index][known.length :]
            position = len(self._prefix) + known.length
            while len(rest) > batch.room:
                part, rest = rest[: batch.room], rest[batch.room :]
                batch.add(part, position, slot, logits=0)
                self._llama.run_batch()
                batch.clear()
                position += len(part)
            rows.append(batch.add(rest, position, slot, logits=1) + len(rest) - 1)
        self._llama.run_batch()
        for row, (index, _) in zip(rows, group, strict=True):
            logits = self._llama.logits(row)
            scores[index] = 1.0 / (1.0 + float(np.exp(logits[unbiased] - logits[biased])))
        for slot, (index, _) in enumerate(group, 1):
            if keep and scores[index] >= KEPT_FROM:
                self._remember(slot, prompts[index])
            self._llama.forget(slot)

    # Answers ---------------------------------------------------------------------------------------------------------

    def decode(self, requests: Sequence[DecodeRequest]) -> list[Decoded]:
        """Answer each request greedily, several side by side, with the source text as the draft.

        The source's next tokens are verified in one batch (LLMA, arXiv 2304.04487, section 3); where the model
        disagrees, its own token is taken, so the answer is the one that plain greedy decoding gives. A request begins
        on the cache of whatever began like it: its own verdict, an earlier answer, a request at its side.
        """
        numbers: dict[DecodeRequest, int] = {}
        for request in requests:
            numbers.setdefault(request, len(numbers))
        waiting = [self._sequence(index, request) for request, index in numbers.items()]
        running: list[DecodingSequence] = []
        done: dict[int, DecodingSequence] = {}
        free = list(range(SEQUENCES, 0, -1))
        while waiting or running:
            self._admit(waiting, running, free)
            self._step(running)
            for sequence in [s for s in running if s.finished]:
                running.remove(sequence)
                self._llama.forget(sequence.slot, len(self._prefix) + len(sequence.computed))
                self._remember(sequence.slot, sequence.computed)
                self._llama.forget(sequence.slot)
                free.append(sequence.slot)
                done[sequence.index] = sequence
        return [self._decoded(done[numbers[request]]) for request in requests]

    def _admit(self, waiting: list[DecodingSequence], running: list[DecodingSequence], free: list[int]) -> None:
        """Let waiting sequences run while slots and cells last; one that can soon share a prompt waits a step."""
        cells = CACHE_CELLS - REMEMBERED_CELLS - len(self._prefix) - sum(sequence.cells for sequence in running)
        for sequence in list(waiting):
            if not free or (sequence.cells > cells and running):
                return
            beginning = sequence.beginning
            if any(worth_waiting_for(beginning, other) for other in running):
                continue
            waiting.remove(sequence)
            sequence.slot = free.pop()
            cells -= sequence.cells
            known = self._remembered.longest(beginning[:-1])
            for other in running:
                length = common(beginning[:-1], other.computed)
                if length > known.length:
                    known = Beginning(other.slot, length)
            sequence.begin_after(self._begin(sequence.slot, sequence.cells, known).length)
            running.append(sequence)

    def _sequence(self, index: int, request: DecodeRequest) -> DecodingSequence:
        source = self.tokenize(request.text)
        prompt = [*source, *self._suffix]
        return DecodingSequence(
            index=index,
            prompt=prompt,
            forced=list(request.forced),
            source=source,
            start=len(self._prefix),
            limit=min(2 * len(source) + 32, CACHE_CELLS - len(self._prefix) - len(prompt) - len(request.forced) - 1),
            ends=self._is_end,
            opener=self._opener,
            openings=self._openings,
            drafts=self._can_rewind,
        )

    def _step(self, running: Sequence[DecodingSequence]) -> None:
        """Feed every running sequence what fits into one batch, and let it take its logits."""
        batch = self._llama.batch
        batch.clear()
        fed: list[tuple[DecodingSequence, int, int, int]] = []
        rows = LOGIT_ROWS
        for sequence in running:
            feed = sequence.feed(batch.room, rows)
            if not feed.tokens:
                continue
            first = batch.add(feed.tokens, feed.position, sequence.slot, logits=feed.logits)
            rows -= feed.logits
            fed.append((sequence, first, len(feed.tokens), feed.logits))
        self._llama.run_batch()
        for sequence, first, count, logits in fed:
            kept = sequence.take([self._llama.logits(first + count - logits + i) for i in range(logits)])
            if kept is not None:
                self._llama.forget(sequence.slot, kept)

    def _decoded(self, sequence: DecodingSequence) -> Decoded:
        return Decoded(
            text=self.detokenize(sequence.answer),
            tokens=tuple(sequence.answer),
            runners_up=tuple(sequence.runners_up),
            gaps=tuple(sequence.gaps),
            complete=sequence.complete,
        )

    def _is_end(self, token: int) -> bool:
        return token in self._end or self._llama.ends_generation(token)

    # The cache -------------------------------------------------------------------------------------------------------

    def _load_prefix(self) -> None:
        """Compute the prompt's prefix once, in sequence 0, which every other sequence shares."""
        batch = self._llama.batch
        for first in range(0, len(self._prefix), BATCH_TOKENS):
            batch.clear()
            batch.add(self._prefix[first : first + BATCH_TOKENS], first, 0, logits=0)
            self._llama.run_batch()

    def _begin(self, slot: int, cells: int, known: Beginning) -> Beginning:
        """Let an empty slot begin with the prefix and what is known; return how much that was.

        A sequence that needs more cells than are set aside for such takes those of the remembered ones.
        """
        if cells > CACHE_CELLS - REMEMBERED_CELLS - len(self._prefix):
            self._forget_remembered()
            known = Beginning(0, 0)
        self._llama.share(known.slot if known.length else 0, slot, len(self._prefix) + known.length)
        return known

    def _remember(self, slot: int, tokens: list[int]) -> None:
        """Keep what a slot has computed, by way of a slot that remembers; no cell is copied."""
        target, emptied = self._remembered.keep(tokens)
        for other in emptied:
            self._llama.forget(other)
        if target is not None:
            self._llama.share(slot, target, len(self._prefix) + len(tokens))

    def _forget_remembered(self) -> None:
        for held in self._remembered.clear():
            self._llama.forget(held)

    # Protocol --------------------------------------------------------------------------------------------------------

    def _first_answer_tokens(self) -> tuple[int, int]:
        biased, unbiased = self.tokenize(BIASED)[0], self.tokenize(UNBIASED)[0]
        if biased == unbiased:
            raise ModelError(
                f"{self.path}: its vocabulary begins {BIASED!r} and {UNBIASED!r} with the same token",
                hint="train it with protocol 'plain'",
            )
        return biased, unbiased

    def _plain_protocol(self) -> Protocol:
        from srllm_cli.engines.template import plain_protocol

        return plain_protocol(self._llama.chat_template(), self._llama.end_spelled(), str(self.path))


def worth_waiting_for(beginning: Sequence[int], other: DecodingSequence) -> bool:
    """Whether a running sequence is still computing a prompt that ``beginning`` shares a good part of."""
    if not other.is_reading:
        return False
    shared = common(beginning, other.beginning)
    return shared - len(other.computed) >= WORTH_WAITING
