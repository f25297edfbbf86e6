"""A base model and any LoRA adapter in GGUF as a system: merged for the run, as the built-in model is on first use.

The merging itself is ``srllm_convert``'s. Knows no metric.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from srllm_cli.debias.types import Rewrite
from srllm_cli.errors import ModelError
from srllm_cli.evaluation.systems import Rewriter, SrllmSystem, file_mark
from srllm_cli.results.known import code_mark

#: What the built-in model is merged to: fast, and next to lossless.
_TYPE = "Q8_0"


class AdapterSystem(SrllmSystem):
    """A base with an adapter added; merged into a temporary file when the first text is asked for."""

    def __init__(self, base: str, adapter: Path, threshold: float | None = None) -> None:
        """Take a base GGUF (or the name of a built-in model's base, as ``smollm2``) and a GGUF adapter.

        Raises:
            ModelError: when there is no such file.
        """
        from srllm_cli.models.bases import base_file

        path = base_file(base)
        for file in (path, adapter):
            if not file.is_file():
                raise ModelError(f"{file}: no such file")
        super().__init__(adapter.name, threshold, load=lambda _, threshold, *__: _Merged(path, adapter, threshold))
        self._mark = f"{file_mark(str(path))}|{file_mark(str(adapter))}"

    @property
    def fingerprint(self) -> str:
        """Both files, threshold, and the code that makes up a rewrite."""
        return "|".join(("adapter", self._mark, repr(self._threshold), code_mark()))


class _Merged:
    """The merged model, loaded (a ``Rewriter``); closing it removes the file."""

    def __init__(self, base: Path, adapter: Path, threshold: float | None) -> None:
        from srllm_cli.api import Debiaser
        from srllm_convert.merge_gguf import merge_gguf

        self._folder = tempfile.TemporaryDirectory(prefix="srllm-eval-")
        merged = Path(self._folder.name) / "merged.gguf"
        try:
            merge_gguf(base, adapter, merged, type=_TYPE)
            self._rewriter: Rewriter = Debiaser(str(merged), threshold)
        except BaseException:
            self._folder.cleanup()
            raise

    def rewrite_all(self, texts: Iterable[str], format: str = "plain") -> Iterator[Rewrite]:
        return self._rewriter.rewrite_all(texts, format=format)

    def close(self) -> None:
        self._rewriter.close()
        self._folder.cleanup()
