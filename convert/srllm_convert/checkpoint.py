"""Hugging Face checkpoint folder -> GGUF, for the architectures of ``geometry.ARCHITECTURES``.

Names, hyperparameters and row order follow llama.cpp's ``convert_hf_to_gguf.py``. Tensor by tensor from safetensors,
NumPy only: memory holds one encoded tensor and one chunk of it. Another architecture is refused by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import pi, prod
from pathlib import Path
from typing import Any

import numpy as np
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter, RopeScalingType, get_tensor_name_map

from srllm_cli.errors import ModelError
from srllm_convert.files import whole_file
from srllm_convert.geometry import Geometry, geometry, read_config, reorder_rows, reorders
from srllm_convert.metadata import StoredProtocol, write_protocol
from srllm_convert.safetensors_file import Entry, read_checkpoint
from srllm_convert.tensors import FILE_TYPES, Encoded, Float32, encode_tensor, encoded_size, encoding, encoding_for
from srllm_convert.tokenizer import read_vocabulary, write_vocabulary

_QUANTIZATION_VERSION = 2
_BLOCK_TENSORS = (
    "attn_norm",
    "attn_q",
    "attn_k",
    "attn_v",
    "attn_output",
    "ffn_norm",
    "ffn_gate",
    "ffn_up",
    "ffn_down",
)
_NATIVE = {"BF16": "BF16", "F16": "F16", "F32": "F32", "F64": "F32"}
_EMBEDDING = "token_embd.weight"


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor to be written: its GGUF name and where its values are (on disk, or a short vector made here)."""

    name: str
    shape: tuple[int, ...]
    entry: Entry | None
    values: Float32 | None = None


def convert_checkpoint(
    folder: Path,
    out: Path,
    type: str = "F16",
    *,
    stored: StoredProtocol | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write the checkpoint in ``folder`` as the GGUF ``out`` in the type F32, F16, BF16 or Q8_0.

    ``stored`` goes into the metadata. The same inputs give the same bytes.

    Raises:
        ModelError: when the architecture, tokenizer or rotary scaling is not supported, or a file is missing or broken.
    """
    wanted = encoding(type)
    config = read_config(folder)
    if config.get("quantization_config"):
        hint = "merge into a dense checkpoint first: srllm merge"
        raise ModelError(f"{folder}: the checkpoint is quantised", hint=hint)
    shape = geometry(folder)
    sources = list(_sources(folder, config, shape))
    vocabulary = read_vocabulary(folder, sources[0].shape[0])
    with whole_file(out) as part:
        writer = GGUFWriter(part, shape.architecture)
        writer.add_type("model")
        writer.add_name(folder.absolute().name)
        _write_hyperparameters(writer, config, shape, len(vocabulary.tokens))
        writer.add_file_type(FILE_TYPES[wanted.name])
        writer.add_quantization_version(_QUANTIZATION_VERSION)
        if stored is not None:
            write_protocol(writer, stored)
        write_vocabulary(writer, folder, vocabulary)
        kinds = [encoding_for(source.shape, wanted) for source in sources]
        for source, kind in zip(sources, kinds, strict=True):
            size = encoded_size(source.shape, kind)
            writer.add_tensor_info(source.name, source.shape, np.dtype(np.float32), size, raw_dtype=kind)
        try:
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            total, done = sum(prod(source.shape) for source in sources), 0
            for source, kind in zip(sources, kinds, strict=True):
                writer.write_tensor_data(_encoded(source, kind, shape))
                done += prod(source.shape)
                if progress:
                    progress(done / total)
        finally:
            writer.close()


def native_type(folder: Path) -> str:
    """Return the type that holds a checkpoint's weights without rounding them: the one most of them have."""
    count = Counter[str]()
    for entry in read_checkpoint(folder).values():
        count[entry.dtype] += prod(entry.shape)
    return _NATIVE[count.most_common(1)[0][0]]


def _sources(folder: Path, config: Mapping[str, Any], shape: Geometry) -> Iterator[Source]:
    """Yield what is to be written: the embedding, the layers in order, the rest; everything that must be there is."""
    architecture = next(arch for arch, name in MODEL_ARCH_NAMES.items() if name == shape.architecture)
    entries = read_checkpoint(folder)
    tied = bool(config.get("tie_word_embeddings", False))
    found = {_gguf_name(folder, architecture, shape, name): entry for name, entry in entries.items()}
    if tied:  # the output layer is the embedding; a copy of it in the file adds nothing
        found.pop("output.weight", None)
    wanted = [_EMBEDDING]
    wanted += [f"blk.{layer}.{name}.weight" for layer in range(shape.layers) for name in _BLOCK_TENSORS]
    wanted += ["output_norm.weight"] + ([] if tied else ["output.weight"])
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ModelError(f"{folder}: the checkpoint lacks {missing[0]} (and {len(missing) - 1} more tensors)")
    for name in (*wanted, *sorted(set(found) - set(wanted))):
        yield Source(name, found[name].shape, found[name])
    factors = _rope_factors(folder, config)
    if factors is not None:
        yield Source("rope_freqs.weight", factors.shape, None, factors)


def _gguf_name(folder: Path, architecture: MODEL_ARCH, shape: Geometry, name: str) -> str:
    target = get_tensor_name_map(architecture, shape.layers).get_name(name, try_suffixes=(".weight", ".bias"))
    if target is None:
        raise ModelError(
            f"{folder}: the tensor {name} belongs to no {shape.architecture} model of {shape.layers} layers"
        )
    return str(target)


def _encoded(source: Source, kind: Any, shape: Geometry) -> Encoded:
    """Return a tensor's bytes. Only rows of query and key change places, and those are small enough to take whole."""
    entry = source.entry
    if entry is None or len(source.shape) < 2 or reorders(source.name, shape):
        values = source.values if entry is None else entry.rows()
        assert values is not None
        ordered = reorder_rows(source.name, values, shape)
        rows = ordered.reshape(-1, source.shape[-1])
        return encode_tensor(source.shape, lambda first, last: rows[first:last], kind)
    return encode_tensor(source.shape, entry.rows, kind)


def _write_hyperparameters(writer: GGUFWriter, config: Mapping[str, Any], shape: Geometry, tokens: int) -> None:
    width = int(config["hidden_size"])
    head = int(config.get("head_dim") or width // shape.heads)
    theta, scaling = _rope(config)
    writer.add_vocab_size(tokens)
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(theta)
    if scaling.get("rope_type") == "linear":
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(scaling["factor"]))


def _rope(config: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
    """Return the rotary base and scaling: ``rope_parameters`` in transformers 5, two keys of their own before."""
    scaling = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    scaling["rope_type"] = scaling.get("rope_type") or scaling.get("type") or "default"
    return float(scaling.get("rope_theta") or config.get("rope_theta") or 10000.0), scaling


def _rope_factors(folder: Path, config: Mapping[str, Any]) -> Float32 | None:
    """Return Llama 3's factor for each rotary frequency (head size / 2), ``None`` for other scalings.

    Long waves are stretched by ``factor``, short ones kept, those between blended, as in transformers'
    ``_compute_llama3_parameters``.

    Raises:
        ModelError: for a scaling that is not supported, or a sliding window.
    """
    theta, scaling = _rope(config)
    if config.get("use_sliding_window") or scaling["rope_type"] not in ("default", "linear", "llama3"):
        what = "a sliding window" if config.get("use_sliding_window") else f"rotary scaling {scaling['rope_type']!r}"
        raise ModelError(f"{folder}: {what} is not supported", hint="supported: default, linear, llama3")
    if scaling["rope_type"] != "llama3":
        return None
    head = int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])
    waves = 2 * pi * theta ** (np.arange(0, head, 2, dtype=np.float64) / head)
    low, high = float(scaling["low_freq_factor"]), float(scaling["high_freq_factor"])
    length, factor = float(scaling["original_max_position_embeddings"]), float(scaling["factor"])
    smooth = np.clip((length / waves - low) / (high - low), 0.0, 1.0)
    factors: Float32 = (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)
    return factors
