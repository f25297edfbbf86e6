"""PEFT LoRA folder -> GGUF adapter, as llama.cpp loads it beside a base model or ``merge_gguf`` adds to one.

Names, row order and scale follow llama.cpp's ``convert_lora_to_gguf.py``: ``<tensor>.lora_a`` (r, in) and
``<tensor>.lora_b`` (out, r), the query and key rows of B in llama.cpp's order, ``adapter.lora.alpha`` over the rank as
the scale. NumPy only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGMLQuantizationType, GGUFValueType, GGUFWriter, get_tensor_name_map

from srllm_cli.errors import ModelError
from srllm_convert.files import read_json, whole_file
from srllm_convert.geometry import Geometry, reorder_rows
from srllm_convert.metadata import StoredProtocol, write_protocol
from srllm_convert.safetensors_file import Entry, read_table
from srllm_convert.tensors import Float32, encode, encoding, encoding_for

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_NAME = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<half>[AB])\.weight$")
#: Settings of PEFT that change what B·A means: a GGUF adapter cannot say them.
_REFUSED = (
    "use_dora",
    "modules_to_save",
    "lora_bias",
    "use_qalora",
    "use_bdlora",
    "fan_in_fan_out",
    "layer_replication",
)


@dataclass(frozen=True, slots=True)
class Update:
    """The update of one weight: its GGUF name, A (r, in), B (out, r), and the scale of B·A."""

    name: str
    low: Entry
    high: Entry
    scale: float


def convert_adapter(
    folder: Path, out: Path, base: Geometry, *, type: str = "F16", stored: StoredProtocol | None = None
) -> None:
    """Write the LoRA in ``folder`` as the GGUF adapter ``out`` in the type F32, F16, BF16 or Q8_0.

    ``base`` is the geometry of the model that it was trained on. The same inputs give the same bytes.

    Raises:
        ModelError: when the folder holds no LoRA, or one that a GGUF adapter cannot express.
    """
    wanted = encoding(type)
    config = read_adapter_config(folder)
    updates = list(read_updates(folder, config, base))
    alpha = _effective_alpha(config, int(config["r"]), float(config["lora_alpha"]))
    with whole_file(out) as part:
        writer = GGUFWriter(part, base.architecture)
        writer.add_type("adapter")
        writer.add_key_value("adapter.type", "lora", GGUFValueType.STRING)
        writer.add_key_value("adapter.lora.alpha", alpha, GGUFValueType.FLOAT32)
        if stored is not None:
            write_protocol(writer, stored)
        for update in updates:
            _add(writer, f"{update.name}.lora_a", update.low.rows(), wanted)
            # One alpha serves the whole file: what a weight's own scale has beyond it goes into B.
            rank = update.low.shape[0]
            factor = np.float32(update.scale * rank / alpha)
            high = reorder_rows(update.name, update.high.rows(), base)
            _add(writer, f"{update.name}.lora_b", high if factor == 1 else high * factor, wanted)
        try:
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """Read ``adapter_config.json``.

    Raises:
        ModelError: when it is missing or broken, or describes anything but a plain LoRA.
    """
    config = read_json(folder / CONFIG_FILE, f"no {CONFIG_FILE}, so not a PEFT adapter")
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelError(f"{folder}: an adapter of the kind {kind}", hint="only LoRA goes into a GGUF adapter")
    for key in _REFUSED:
        if config.get(key):
            hint = "merge it instead: srllm merge"
            raise ModelError(f"{folder}: a GGUF adapter cannot express {key} = {config[key]!r}", hint=hint)
    if config.get("bias", "none") != "none":
        raise ModelError(f"{folder}: a GGUF adapter cannot hold biases", hint="merge it instead: srllm merge")
    return dict(config)


def read_updates(folder: Path, config: dict[str, Any], base: Geometry) -> Iterator[Update]:
    """Yield the updates of a LoRA folder in the order of the base's layers.

    Raises:
        ModelError: for a tensor that is not half of a LoRA pair, or belongs to no weight of the base.
    """
    table = read_table(folder / WEIGHTS_FILE)
    names = get_tensor_name_map(_architecture(base), base.layers)
    halves: dict[str, dict[str, Entry]] = {}
    for name, entry in table.items():
        match = _NAME.match(name)
        if match is None:
            hint = "merge it instead: srllm merge"
            raise ModelError(f"{folder}: {name} is not part of a plain LoRA", hint=hint)
        halves.setdefault(match["module"], {})[match["half"]] = entry
    for module in sorted(halves, key=_natural):
        target = names.get_name(module)
        pair = halves[module]
        if target is None or target == "token_embd":
            raise ModelError(
                f"{folder}: {module} is no weight of a {base.architecture} model with {base.layers} layers"
            )
        if set(pair) != {"A", "B"} or pair["A"].shape[0] != pair["B"].shape[1]:
            raise ModelError(f"{folder}: {module} has no A and B that fit each other")
        rank, alpha = _module_settings(config, module)
        if rank != pair["A"].shape[0]:
            raise ModelError(f"{folder}: {module} has rank {pair['A'].shape[0]}, its configuration says {rank}")
        yield Update(f"{target}.weight", pair["A"], pair["B"], _effective_alpha(config, rank, alpha) / rank)


def _architecture(base: Geometry) -> MODEL_ARCH:
    return next(arch for arch, name in MODEL_ARCH_NAMES.items() if name == base.architecture)


def _module_settings(config: dict[str, Any], module: str) -> tuple[int, float]:
    """Return (rank, alpha) of a module: PEFT's patterns are regular expressions that match a name's end."""

    def chosen(patterns: dict[str, Any] | None, default: Any) -> Any:
        matching = (value for key, value in (patterns or {}).items() if re.match(rf"(.*\.)?({key})$", module))
        return next(matching, default)

    return (
        int(chosen(config.get("rank_pattern"), config["r"])),
        float(chosen(config.get("alpha_pattern"), config["lora_alpha"])),
    )


def _effective_alpha(config: dict[str, Any], rank: int, alpha: float) -> float:
    """Return the alpha that, over the rank, gives PEFT's scale: rsLoRA (arXiv 2312.03732) divides by its root."""
    return alpha * sqrt(rank) if config.get("use_rslora") else alpha


def _add(writer: GGUFWriter, name: str, values: Float32, wanted: GGMLQuantizationType) -> None:
    kind = encoding_for(values.shape, wanted)
    coded = encode(np.ascontiguousarray(values), kind)
    if coded.dtype == np.uint8:
        coded = coded.reshape(values.shape[0], -1)
    writer.add_tensor(name, coded, raw_dtype=kind)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key under which layer 10 follows layer 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
