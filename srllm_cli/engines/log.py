"""llama.cpp's log, kept off standard error and at hand when something fails."""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import llama_cpp

#: GGML_LOG_LEVEL_ERROR in ggml.h.
_ERROR = 4


class LogTail:
    """The last lines that llama.cpp logged, errors apart."""

    def __init__(self) -> None:
        self.errors: deque[str] = deque(maxlen=4)

    def last_error(self, otherwise: str) -> str:
        """Return the first error of the last few in one line (the later ones repeat it), or ``otherwise``."""
        return self.errors[0] if self.errors else otherwise


_tail = LogTail()


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _collect(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    if os.environ.get("SRLLM_LLAMA_LOG"):
        os.write(2, text)
    if level == _ERROR:
        _tail.errors.append(text.decode("utf-8", errors="replace").strip())


@contextmanager
def captured_log() -> Iterator[LogTail]:
    """Route llama.cpp's log here; with ``SRLLM_LLAMA_LOG`` set it is copied to standard error."""
    llama_cpp.llama_log_set(_collect, ctypes.c_void_p(0))
    _tail.errors.clear()
    yield _tail
