"""The few numbers of a base model that a conversion needs, from a GGUF or a checkpoint's ``config.json``.

Also the one place that knows llama.cpp's row order of Llama's query and key weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from srllm_cli.errors import ModelError
from srllm_convert.files import read_json
from srllm_convert.gguf_file import read_header

#: Hugging Face architecture -> llama.cpp's name for it.
ARCHITECTURES = {"LlamaForCausalLM": "llama", "Qwen2ForCausalLM": "qwen2"}
CONFIG_FILE = "config.json"
Weights = TypeVar("Weights", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Architecture (llama.cpp's name), layers, and attention heads of queries and of keys."""

    architecture: str
    layers: int
    heads: int
    key_heads: int


def read_config(folder: Path) -> dict[str, Any]:
    """Read a checkpoint's ``config.json``.

    Raises:
        ModelError: when it is missing, broken, or names an architecture that is not supported.
    """
    config = read_json(folder / CONFIG_FILE, f"no {CONFIG_FILE}, so not a Hugging Face checkpoint")
    name = (config.get("architectures") or ["unnamed"])[0]
    if name not in ARCHITECTURES:
        raise ModelError(
            f"{folder}: the architecture {name} is not supported", hint="supported: " + ", ".join(ARCHITECTURES)
        )
    return config


def geometry(base: Path) -> Geometry:
    """Return the geometry of a base: a ``.gguf`` file or a checkpoint folder.

    Raises:
        ModelError: when it cannot be read or its architecture is not supported.
    """
    if base.is_dir():
        config = read_config(base)
        heads = int(config["num_attention_heads"])
        keys = int(config.get("num_key_value_heads") or heads)
        return Geometry(ARCHITECTURES[config["architectures"][0]], int(config["num_hidden_layers"]), heads, keys)
    header = read_header(base)
    name = header.architecture
    if name not in ARCHITECTURES.values():
        supported = ", ".join(ARCHITECTURES.values())
        raise ModelError(f"{base}: the architecture {name!r} is not supported", hint=f"supported: {supported}")
    heads = header.get(f"{name}.attention.head_count", 0)
    keys = header.get(f"{name}.attention.head_count_kv", heads)
    return Geometry(name, int(header.get(f"{name}.block_count", 0)), int(heads), int(keys))


def reorders(name: str, shape: Geometry) -> bool:
    """Whether the rows of a tensor (by its GGUF name) stand in another order in a GGUF."""
    return shape.architecture == "llama" and any(f".{kind}." in name for kind in ("attn_q", "attn_k"))


def reorder_rows(name: str, values: NDArray[Weights], shape: Geometry) -> NDArray[Weights]:
    """Bring the rows of a query or key weight (or bias, or LoRA B) into llama.cpp's order; return others as they are.

    Hugging Face's Llama rotates the first half of a head's dimensions against the second; llama.cpp's rotates
    neighbours. Qwen2 is rotated by halves in both. ``name`` is the tensor's GGUF name, ``values`` is (rows, ...).
    """
    if not reorders(name, shape):
        return values
    heads = shape.heads if ".attn_q." in name else shape.key_heads
    half = values.shape[0] // heads // 2
    turned = values.reshape(heads, 2, half, *values.shape[1:]).swapaxes(1, 2)
    return np.ascontiguousarray(turned).reshape(values.shape)
