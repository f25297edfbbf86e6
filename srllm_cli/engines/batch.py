"""A reusable ``llama_batch`` over NumPy buffers. Knows nothing of prompts or of decoding."""

from __future__ import annotations

import ctypes

import llama_cpp
import numpy as np
import numpy.typing as npt


class TokenBatch:
    """Up to ``capacity`` tokens, each of one sequence, filled in place and handed to ``llama_decode``.

    llama.cpp wants, per token, a pointer to its sequence ids; one contiguous array and a table of pointers into it,
    made once, save an allocation per token.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self._token = np.zeros(capacity, np.int32)
        self._pos = np.zeros(capacity, np.int32)
        self._counts = np.ones(capacity, np.int32)
        self._seq = np.zeros(capacity, np.int32)
        self._logits = np.zeros(capacity, np.int8)
        base, step = self._seq.ctypes.data, self._seq.itemsize
        self._table = (ctypes.POINTER(ctypes.c_int32) * capacity)(
            *(ctypes.cast(base + step * i, ctypes.POINTER(ctypes.c_int32)) for i in range(capacity))
        )
        self._struct = llama_cpp.llama_batch(
            0,
            _pointer(self._token, ctypes.c_int32),
            None,
            _pointer(self._pos, ctypes.c_int32),
            _pointer(self._counts, ctypes.c_int32),
            ctypes.cast(self._table, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            _pointer(self._logits, ctypes.c_int8),
        )

    @property
    def room(self) -> int:
        """How many more tokens fit."""
        return self.capacity - self.size

    def clear(self) -> None:
        """Forget every token."""
        self.size = 0

    def add(self, tokens: list[int], position: int, sequence: int, *, logits: int) -> int:
        """Append ``tokens`` at consecutive positions, with logits for the last ``logits`` of them.

        Returns the index in the batch of the first token.
        """
        start, end = self.size, self.size + len(tokens)
        if end > self.capacity:
            raise ValueError(f"{len(tokens)} tokens do not fit into the batch ({self.room} free)")
        self._token[start:end] = tokens
        self._pos[start:end] = np.arange(position, position + len(tokens))
        self._seq[start:end] = sequence
        self._logits[start:end] = 0
        if logits:
            self._logits[end - logits : end] = 1
        self.size = end
        return start

    def struct(self) -> llama_cpp.llama_batch:
        """Return the C struct over the current tokens."""
        self._struct.n_tokens = self.size
        return self._struct


def _pointer(array: npt.NDArray[np.int32] | npt.NDArray[np.int8], kind: type) -> ctypes._Pointer:  # type: ignore[type-arg]
    return array.ctypes.data_as(ctypes.POINTER(kind))
