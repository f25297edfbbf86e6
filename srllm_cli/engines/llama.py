"""The engine in process: llama.cpp through llama-cpp-python's low-level API.

Many passages share one batch and the key-value cache of the prompt's prefix; logits are computed only where a verdict
is read or a token is chosen. It knows tokens and sequences; it knows no document and no guard.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt

from srllm_cli.debias.engine import Decoded, DecodeRequest
from srllm_cli.debias.protocol import BIASED, UNBIASED, Protocol, verdict_line
from srllm_cli.debias.types import DIMENSIONS
from srllm_cli.engines.batch import TokenBatch
from srllm_cli.engines.decoding import DecodingSequence
from srllm_cli.engines.log import captured_log
from srllm_cli.engines.options import EngineOptions
from srllm_cli.errors import ModelError

#: Tokens computed at a time. Beyond some 512 a CPU gains nothing, and every passage of a batch pays attention over
#: all of them.
BATCH_TOKENS = 512
#: Cells of the key-value cache, shared by all sequences. Bounds memory: 23 KB a cell for the small model.
CACHE_CELLS = 4096
#: Sequences decoded or scored side by side (one more holds the prompt's shared prefix).
SEQUENCES = 32
#: Rows of logits in one step of decoding; a row is the vocabulary in float32 (200 KB for the small model).
LOGIT_ROWS = 96


class LlamaEngine:
    """A loaded model with its context (stateful: key-value cache). Use from one thread; ``close`` frees it."""

    def __init__(self, path: Path, protocol: Protocol | None, options: EngineOptions | None = None) -> None:
        """Load the GGUF. Without ``protocol`` the model's own chat template and protocol ``plain`` are used.

        Raises:
            ModelError: when llama.cpp cannot load the file, or the protocol does not fit its vocabulary.
        """
        options = options or EngineOptions()
        self.path = path
        with captured_log() as log:
            parameters = llama_cpp.llama_model_default_params()
            parameters.n_gpu_layers = options.gpu_layers if options.gpu_layers >= 0 else 999
            self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
            if not self._model:
                raise ModelError(f"{path}: llama.cpp cannot load it: {log.last_error('not a usable model')}")
            self._vocab = llama_cpp.llama_model_get_vocab(self._model)
            self._context = self._new_context(options)
            if not self._context:
                raise ModelError(f"{path}: no context could be made: {log.last_error('out of memory?')}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary_size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._batch = TokenBatch(BATCH_TOKENS)
        self._can_rewind = not (
            llama_cpp.llama_model_is_recurrent(self._model) or llama_cpp.llama_model_is_hybrid(self._model)
        )
        self.protocol = protocol or self._plain_protocol()
        self._suffix = self._tokenize(self.protocol.suffix, control=True)
        self._prefix = self._tokenize(self.protocol.prefix, control=True, special=self.protocol.name == "plain")
        self._end = self._tokenize(self.protocol.end, control=True)
        self._verdict_tokens = self._first_answer_tokens() if self.protocol.has_score else None
        self._opener = self.tokenize(verdict_line(DIMENSIONS[0]))[-1] if self.protocol.has_score else None
        self._load_prefix()

    def close(self) -> None:
        """Free the context and the weights."""
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None
        if self._model:
            llama_cpp.llama_model_free(self._model)
            self._model = None

    def __enter__(self) -> LlamaEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Tokens ----------------------------------------------------------------------------------------------------------

    def tokenize(self, text: str) -> list[int]:
        """Encode a document's text: what spells a control token in it stays plain text."""
        return self._tokenize(text, control=False)

    def detokenize(self, tokens: Sequence[int]) -> str:
        """Decode tokens; control tokens are left out, bytes that are no UTF-8 become U+FFFD."""
        if not tokens:
            return ""
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        size = 16 * len(tokens) + 16
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_detokenize(self._vocab, array, len(tokens), buffer, size, False, False)
            if count >= 0:
                return buffer.raw[:count].decode("utf-8", errors="replace")
            size = -count

    def biased_prefix(self) -> tuple[int, ...]:
        """Return the tokens with which an answer says ``biased``."""
        return tuple(self.tokenize(BIASED))

    # Verdicts --------------------------------------------------------------------------------------------------------

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return p(biased) / (p(biased) + p(unbiased)) of each text, from the first answer token's logits."""
        if self._verdict_tokens is None:
            raise ModelError(f"{self.path}: protocol 'plain' gives no verdict")
        biased, unbiased = self._verdict_tokens
        prompts = [[*self.tokenize(text), *self._suffix] for text in texts]
        scores = [0.0] * len(texts)
        # Neighbours of similar length fill batches best. The order changes a score by no more than rounding does.
        order = sorted(range(len(texts)), key=lambda index: len(prompts[index]))
        for group in self._groups(order, prompts):
            for index, row in self._last_logits([(index, prompts[index]) for index in group]):
                scores[index] = 1.0 / (1.0 + float(np.exp(row[unbiased] - row[biased])))
        return scores

    def _groups(self, order: Sequence[int], prompts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Cut the order into groups that fit one batch; a prompt longer than a batch is a group of its own."""
        group: list[int] = []
        tokens = 0
        for index in order:
            size = len(prompts[index])
            if group and (tokens + size > BATCH_TOKENS or len(group) == SEQUENCES):
                yield group
                group, tokens = [], 0
            group.append(index)
            tokens += size
        if group:
            yield group

    def _last_logits(self, prompts: Sequence[tuple[int, list[int]]]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Prefill each prompt in a sequence of its own; yield (index, logits after its last token)."""
        rows: list[tuple[int, int]] = []
        self._batch.clear()
        for sequence, (index, tokens) in enumerate(prompts, 1):
            self._share_prefix(sequence)
            position = len(self._prefix)
            while len(tokens) > self._batch.room:  # only a prompt alone in its group can be longer than a batch
                part, tokens = tokens[: self._batch.room], tokens[self._batch.room :]
                self._batch.add(part, position, sequence, logits=0)
                self._run_batch()
                self._batch.clear()
                position += len(part)
            rows.append((index, self._batch.add(tokens, position, sequence, logits=1) + len(tokens) - 1))
        self._run_batch()
        for index, row in rows:
            yield index, self._logits(row)
        for sequence in range(1, len(prompts) + 1):
            self._forget(sequence)

    # Answers ---------------------------------------------------------------------------------------------------------

    def decode(self, requests: Sequence[DecodeRequest]) -> list[Decoded]:
        """Answer each request greedily, several side by side, with the source text as the draft.

        The source's next tokens are verified in one batch (LLMA, arXiv 2304.04487, section 3); where the model
        disagrees, its own token is taken, so the answer is the one that plain greedy decoding gives.
        """
        waiting = [self._sequence(index, request) for index, request in enumerate(requests)]
        waiting.reverse()
        running: list[DecodingSequence] = []
        done: dict[int, DecodingSequence] = {}
        free = list(range(SEQUENCES, 0, -1))
        cells = CACHE_CELLS - len(self._prefix)
        while waiting or running:
            while waiting and free and (waiting[-1].cells <= cells or not running):
                sequence = waiting.pop()
                sequence.slot = free.pop()
                cells -= sequence.cells
                self._share_prefix(sequence.slot)
                running.append(sequence)
            self._step(running)
            for sequence in [s for s in running if s.finished]:
                running.remove(sequence)
                self._forget(sequence.slot)
                free.append(sequence.slot)
                cells += sequence.cells
                done[sequence.index] = sequence
        return [self._decoded(done[index]) for index in range(len(requests))]

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
            drafts=self._can_rewind,
        )

    def _step(self, running: Sequence[DecodingSequence]) -> None:
        """Feed every running sequence what fits into one batch, and let it take its logits."""
        self._batch.clear()
        fed: list[tuple[DecodingSequence, int, int, int]] = []
        rows = LOGIT_ROWS
        for sequence in running:
            feed = sequence.feed(self._batch.room, rows)
            if not feed.tokens:
                continue
            first = self._batch.add(feed.tokens, feed.position, sequence.slot, logits=feed.logits)
            rows -= feed.logits
            fed.append((sequence, first, len(feed.tokens), feed.logits))
        self._run_batch()
        for sequence, first, count, logits in fed:
            kept = sequence.take([self._logits(first + count - logits + i) for i in range(logits)])
            if kept is not None:
                llama_cpp.llama_memory_seq_rm(self._memory, sequence.slot, kept, -1)

    def _decoded(self, sequence: DecodingSequence) -> Decoded:
        return Decoded(
            text=self.detokenize(sequence.answer),
            tokens=tuple(sequence.answer),
            runners_up=tuple(sequence.runners_up),
            gaps=tuple(sequence.gaps),
            complete=sequence.complete,
        )

    def _is_end(self, token: int) -> bool:
        return token in self._end or bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    # llama.cpp -------------------------------------------------------------------------------------------------------

    def _new_context(self, options: EngineOptions) -> object:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = CACHE_CELLS
        parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
        parameters.n_seq_max = SEQUENCES + 1
        parameters.kv_unified = True
        threads = options.threads or _usable_cores()
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.no_perf = True
        return llama_cpp.llama_init_from_model(self._model, parameters)

    def _run_batch(self) -> None:
        if not self._batch.size:
            return
        with captured_log() as log:
            status = llama_cpp.llama_decode(self._context, self._batch.struct())
        if status != 0:
            raise ModelError(f"{self.path}: llama.cpp failed with status {status}: {log.last_error('unknown reason')}")

    def _load_prefix(self) -> None:
        """Compute the prompt's prefix once, in sequence 0, which every other sequence shares."""
        for first in range(0, len(self._prefix), BATCH_TOKENS):
            self._batch.clear()
            self._batch.add(self._prefix[first : first + BATCH_TOKENS], first, 0, logits=0)
            self._run_batch()

    def _share_prefix(self, sequence: int) -> None:
        llama_cpp.llama_memory_seq_cp(self._memory, 0, sequence, 0, len(self._prefix))

    def _forget(self, sequence: int) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def _logits(self, row: int) -> npt.NDArray[np.float32]:
        """Return the logits of one row of the batch, a view of shape (vocabulary,) valid until the next decode."""
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, shape=(self._vocabulary_size,))

    def _tokenize(self, text: str, *, control: bool, special: bool = False) -> list[int]:
        data = text.encode("utf-8")
        capacity = len(data) + 8
        tokens = (llama_cpp.llama_token * capacity)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), tokens, capacity, special, control)
        if count < 0:
            raise ModelError(f"{self.path}: the tokenizer failed")
        return list(tokens[:count])

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

        template = llama_cpp.llama_model_chat_template(self._model, None)
        end = self.detokenize_control(llama_cpp.llama_vocab_eos(self._vocab))
        return plain_protocol(template.decode("utf-8") if template else None, end, str(self.path))

    def detokenize_control(self, token: int) -> str:
        """Return a control token's own spelling."""
        text = llama_cpp.llama_vocab_get_text(self._vocab, token)
        return text.decode("utf-8") if text else ""


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
