"""srllm with an engine that knows a handful of words, so that the command line can be tested without a model.

Run as a program it is the command line itself, every room but the engine and the model's file the real one. Each load
of the "model" adds a line to the file that ``WORD_ENGINE_LOG`` names; at work it saves the file that
``WORD_ENGINE_SAVES`` names, as another program might.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import pytest

from srllm_cli.debias.engine import Decoded, DecodeRequest
from srllm_cli.debias.protocol import Protocol

WORDS = {"chairman": "chair", "salesman": "salesperson", "manned": "staffed"}
DIMENSIONS = {"chairman": "gender", "salesman": "occupation", "manned": "gender"}
#: Judged biased, and answered with what no guard accepts: it needs review.
HOPELESS = "hopeless"


class LlamaEngine:
    def __init__(self, *_: object) -> None:
        self.protocol = Protocol()
        if os.environ.get("WORD_ENGINE_LOG"):
            with Path(os.environ["WORD_ENGINE_LOG"]).open("a") as log:
                log.write("loaded\n")

    def close(self) -> None:
        pass

    def score(self, texts: Sequence[str]) -> list[float]:
        if os.environ.get("WORD_ENGINE_SAVES"):
            Path(os.environ["WORD_ENGINE_SAVES"]).write_text("newer")
        if os.environ.get("WORD_ENGINE_LOG"):
            with Path(os.environ["WORD_ENGINE_LOG"]).open("a") as log:
                log.write("".join(f"scored {text}\n" for text in texts))
        return [0.9 if any(word in text for word in (*WORDS, HOPELESS)) else 0.02 for text in texts]

    def biased_prefix(self) -> tuple[int, ...]:
        return (0,)

    def decode(self, requests: Sequence[DecodeRequest]) -> list[Decoded]:
        return [self._answer(request.text) for request in requests]

    def _answer(self, text: str) -> Decoded:
        dimension = next((DIMENSIONS[word] for word in WORDS if word in text), "toxicity")
        for old, new in WORDS.items():
            text = text.replace(old, new)
        return Decoded(f"biased: {dimension}\n{text}", (0,), (-1,), (0.0,), True)


def install(patch: pytest.MonkeyPatch) -> None:
    """Put the engine and a model file without content in the place of the real ones."""
    import srllm_convert.metadata
    from srllm_cli.models import registry

    engine = types.ModuleType("srllm_cli.engines.llama")
    engine.LlamaEngine = LlamaEngine  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "srllm_cli.engines.llama", engine)
    patch.setattr(registry, "resolve", lambda name, progress=None: registry.ModelFile(Path(name), name, name))
    patch.setattr(srllm_convert.metadata, "read_protocol", lambda path: None)


if __name__ == "__main__":
    install(pytest.MonkeyPatch())
    from srllm_cli.cli import main

    main()
