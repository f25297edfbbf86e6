"""A loaded GGUF and its context: llama.cpp through llama-cpp-python's low-level API, with errors instead of codes.

It knows tokens, batches and sequence slots; it knows no prompt, no verdict and no answer.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt

from srllm_cli.engines.batch import TokenBatch
from srllm_cli.engines.log import captured_log
from srllm_cli.engines.options import EngineOptions
from srllm_cli.errors import ModelError

#: Tokens computed at a time. Beyond some 512 a CPU gains nothing, and every passage of a batch pays attention over
#: all of them.
BATCH_TOKENS = 512
#: Cells of the key-value cache, shared by all sequences. Bounds memory: 23 KB a cell for the small model.
CACHE_CELLS = 4096


class LlamaContext:
    """A model and its key-value cache (stateful). Use from one thread; ``close`` frees both."""

    def __init__(self, path: Path, slots: int, options: EngineOptions) -> None:
        """Load the GGUF, memory-mapped, with ``slots`` sequences side by side.

        Raises:
            ModelError: when llama.cpp cannot load the file or has no memory for the context.
        """
        self.path = path
        if options.gpu_layers > 0 and not has_gpu():
            hint = "install llama-cpp-python for your GPU (docs/performance.md), or leave --gpu-layers out"
            raise ModelError("--gpu-layers: llama.cpp is installed here for the CPU alone", hint=hint)
        with captured_log() as log:
            parameters = llama_cpp.llama_model_default_params()
            parameters.n_gpu_layers = options.gpu_layers if options.gpu_layers >= 0 else 999
            self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
            if not self._model:
                raise ModelError(f"{path}: llama.cpp cannot load it: {log.last_error('not a usable model')}")
            self._vocab = llama_cpp.llama_model_get_vocab(self._model)
            self._context = llama_cpp.llama_init_from_model(self._model, _context_parameters(slots, options))
            if not self._context:
                raise ModelError(f"{path}: no context could be made: {log.last_error('out of memory?')}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary_size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self.batch = TokenBatch(BATCH_TOKENS)

    def close(self) -> None:
        """Free the context and the weights."""
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None
        if self._model:
            llama_cpp.llama_model_free(self._model)
            self._model = None

    @property
    def can_rewind(self) -> bool:
        """Whether the end of a sequence can be taken back; a recurrent model's state cannot."""
        return not (llama_cpp.llama_model_is_recurrent(self._model) or llama_cpp.llama_model_is_hybrid(self._model))

    # Tokens ----------------------------------------------------------------------------------------------------------

    def tokenize(self, text: str, *, control: bool, special: bool = False) -> list[int]:
        """Encode a text. ``control``: read control tokens spelled in it; ``special``: add the model's own opening."""
        data = text.encode("utf-8")
        capacity = len(data) + 8
        tokens = (llama_cpp.llama_token * capacity)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), tokens, capacity, special, control)
        if count < 0:
            raise ModelError(f"{self.path}: the tokenizer failed")
        return list(tokens[:count])

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

    def ends_generation(self, token: int) -> bool:
        """Whether the vocabulary says that a text ends with this token."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def end_spelled(self) -> str:
        """Return the spelling of the token that ends a text."""
        text = llama_cpp.llama_vocab_get_text(self._vocab, llama_cpp.llama_vocab_eos(self._vocab))
        return text.decode("utf-8") if text else ""

    def chat_template(self) -> str | None:
        """Return the model's own chat template."""
        template = llama_cpp.llama_model_chat_template(self._model, None)
        return template.decode("utf-8") if template else None

    # Batches and sequences -------------------------------------------------------------------------------------------

    def run_batch(self) -> None:
        """Compute the tokens in the batch.

        Raises:
            ModelError: when llama.cpp fails.
        """
        if not self.batch.size:
            return
        with captured_log() as log:
            status = llama_cpp.llama_decode(self._context, self.batch.struct())
        if status != 0:
            raise ModelError(f"{self.path}: llama.cpp failed with status {status}: {log.last_error('unknown reason')}")

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """Return the logits of one row of the batch, a view of shape (vocabulary,) valid until the next decode."""
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, shape=(self._vocabulary_size,))

    def share(self, source: int, target: int, end: int) -> None:
        """Let ``target`` begin with the first ``end`` positions of ``source``; no cell is copied."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, end)

    def forget(self, sequence: int, start: int = 0) -> None:
        """Empty a sequence from a position on. Cells that another sequence shares stay."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1)


def _context_parameters(slots: int, options: EngineOptions) -> llama_cpp.llama_context_params:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = CACHE_CELLS
    parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
    parameters.n_seq_max = slots
    parameters.kv_unified = True
    threads = options.threads or usable_cores()
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.no_perf = True
    return parameters


def has_gpu() -> bool:
    """Whether llama.cpp was built for a GPU (Metal, CUDA, Vulkan …) and can use one."""
    return bool(llama_cpp.llama_supports_gpu_offload())


def device_told(options: EngineOptions) -> str:
    """Return in a few words what models run on."""
    if has_gpu() and options.gpu_layers != 0:
        layers = "all layers" if options.gpu_layers < 0 else f"{options.gpu_layers} layers"
        return f"GPU ({layers})"
    return f"CPU ({options.threads or usable_cores()} threads)"


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
