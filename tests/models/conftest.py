"""A built-in model in small: a base, an adapter and a manifest of a few hundred kilobytes, made without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from srllm_cli.debias.protocol import Protocol
from srllm_cli.models import builtin
from srllm_convert.files import sha256_of

WIDTH, TOKENS, RANK = 64, 512, 4


def write_gguf(
    path: Path,
    tensors: dict[str, tuple[int, ...]],
    *,
    kind: str = "model",
    tokenizer: bool = True,
    architecture: str = "llama",
) -> Path:
    """Write a GGUF with random tensors of these shapes."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(kind)
    if kind == "adapter":
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", 8.0)
    elif tokenizer:
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"t{number}" for number in range(TOKENS)])
    chooser = np.random.default_rng(11)
    for name, shape in tensors.items():
        writer.add_tensor(name, chooser.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@dataclass(frozen=True, slots=True)
class Small:
    """The small built-in model: its package data, its base, and the cache that it is made in."""

    data: Path
    base: Path
    cache: Path

    @property
    def files(self) -> list[Path]:
        """The models in the cache."""
        return sorted((self.cache / "models").glob("*.gguf"))

    def write_manifest(self, threshold: float = 0.5, **changes: Any) -> None:
        """Write the manifest anew."""
        values = builtin.Manifest(
            base_sha256=sha256_of(self.base),
            adapter_sha256=sha256_of(self.data / builtin.ADAPTER_FILE),
            format="Q8_0",
            protocol=Protocol(),
            threshold=threshold,
        ).to_dict()
        (self.data / builtin.MANIFEST_FILE).write_text(json.dumps({**values, **changes}))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    made = Small(tmp_path / "data", tmp_path / "base.gguf", tmp_path / "cache")
    made.data.mkdir()
    write_gguf(made.base, {"token_embd.weight": (TOKENS, WIDTH), "blk.0.attn_q.weight": (WIDTH, WIDTH)})
    halves = {"blk.0.attn_q.weight.lora_a": (RANK, WIDTH), "blk.0.attn_q.weight.lora_b": (WIDTH, RANK)}
    write_gguf(made.data / builtin.ADAPTER_FILE, halves, kind="adapter")
    made.write_manifest()
    monkeypatch.setenv("SRLLM_CACHE_DIR", str(made.cache))
    monkeypatch.setattr(builtin, "smollm2_gguf", lambda: made.base)
    monkeypatch.setattr(builtin, "DATA_FOLDER", made.data)
    yield made
