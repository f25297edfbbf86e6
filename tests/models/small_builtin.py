"""A built-in model in small: a base, an adapter and a manifest of a few hundred kilobytes, made without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from srllm_cli.debias.protocol import Protocol
from srllm_cli.models.family import FAMILY
from srllm_cli.models.manifest import Manifest, adapter_path
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
        values = Manifest(
            base_sha256=sha256_of(self.base),
            adapter_sha256=sha256_of(adapter_path(FAMILY["builtin"], self.data)),
            format="Q8_0",
            protocol=Protocol(),
            threshold=threshold,
        ).to_dict()
        (self.data / FAMILY["builtin"].manifest_file).write_text(json.dumps({**values, **changes}))
