"""Base GGUF + GGUF adapter -> merged GGUF: what the first use of the built-in model runs.

NumPy only, tensor by tensor: memory holds one encoded tensor and one chunk of it as float32. Each weight is decoded,
``alpha / r * B @ A`` is added in float32, and the sum is encoded once. It knows GGUF names and shapes; it runs no
model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter

from srllm_cli.errors import ModelError
from srllm_convert.files import whole_file
from srllm_convert.gguf_file import Array, Header, Tensor, check_gguf
from srllm_convert.metadata import PREFIX, StoredProtocol, protocol_of, write_protocol
from srllm_convert.tensors import (
    FILE_TYPES,
    Encoded,
    Float32,
    encode_tensor,
    encoded_size,
    encoding,
    encoding_for,
    read_raw,
    read_rows,
)

#: Metadata that the writer sets itself.
_OWN_KEYS = ("general.architecture", "general.file_type", "general.quantization_version", "general.alignment")
_QUANTIZATION_VERSION = 2


@dataclass(frozen=True, slots=True)
class Adapter:
    """A GGUF adapter that has been checked: base tensor name -> its A (r, in) and B (out, r)."""

    header: Header
    alpha: float
    pairs: dict[str, tuple[Tensor, Tensor]]

    def scale(self, name: str) -> float:
        """Return alpha / r of a tensor's update; llama.cpp takes a missing alpha (0) as a scale of 1."""
        rank = self.pairs[name][1].shape[-1]
        return self.alpha / rank if self.alpha else 1.0


def merge_gguf(
    base: Path,
    adapter: Path,
    out: Path,
    *,
    type: str = "F16",
    stored: StoredProtocol | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write ``base`` with ``adapter`` added to it as ``out``, in the type F32, F16, BF16 or Q8_0.

    All metadata of the base is kept. The protocol is ``stored``, else the adapter's, else the base's. The same inputs
    give the same bytes on the same machine. ``progress`` is called with the share done, 0 to 1.

    Raises:
        ModelError: when a file is broken or of another kind, or the adapter belongs to another base.
    """
    wanted = encoding(type)
    source = check_gguf(base, arrays=True)
    if source.kind != "model":
        raise ModelError(f"{base}: a GGUF of the kind {source.kind!r}, not a model", hint="give the base model first")
    if source.get("split.count", 0) > 1:
        raise ModelError(f"{base}: one part of a split GGUF", hint="join it with llama-gguf-split --merge")
    delta = read_adapter(adapter, source)
    stored = stored or protocol_of(delta.header) or protocol_of(source)
    with whole_file(out) as part:
        writer = GGUFWriter(part, source.architecture)
        _copy_fields(writer, source, FILE_TYPES[wanted.name])
        if stored is not None:
            write_protocol(writer, stored)
        kinds = {tensor.name: encoding_for(tensor.shape, wanted) for tensor in source.tensors}
        _write_tensors(writer, source, kinds, delta, progress)


def read_adapter(path: Path, base: Header) -> Adapter:
    """Read a GGUF adapter's table and check it against its base.

    Raises:
        ModelError: when it is no LoRA adapter, or its tensors do not fit the base's.
    """
    header = check_gguf(path)
    if header.kind != "adapter" or header.get("adapter.type") != "lora":
        raise ModelError(f"{path}: not a LoRA adapter", hint="make one with: srllm quantize ADAPTER_FOLDER")
    if header.architecture != base.architecture:
        raise ModelError(f"{path}: an adapter for {header.architecture}, but {base.path} is {base.architecture}")
    shapes = {tensor.name: tensor.shape for tensor in base.tensors}
    halves = {tensor.name: tensor for tensor in header.tensors}
    pairs = {}
    for name in halves:
        target, _, half = name.rpartition(".")
        if half == "lora_b" and f"{target}.lora_a" in halves:
            continue
        other = halves.get(f"{target}.lora_b")
        if half != "lora_a" or other is None:
            raise ModelError(f"{path}: the tensor {name!r} is not half of a LoRA pair")
        low, high = halves[name], other
        if len(low.shape) != 2 or len(high.shape) != 2 or low.shape[0] != high.shape[1]:
            raise ModelError(f"{path}: the shapes of {target} do not fit each other: {low.shape}, {high.shape}")
        if shapes.get(target) != (high.shape[0], low.shape[1]):
            raise ModelError(
                f"{path}: an adapter of another base: {target} is {(high.shape[0], low.shape[1])} here and "
                f"{shapes.get(target, 'missing')} in {base.path.name}"
            )
        pairs[target] = (low, high)
    return Adapter(header, float(header.get("adapter.lora.alpha", 0.0)), pairs)


def _copy_fields(writer: GGUFWriter, source: Header, file_type: int) -> None:
    """Copy the base's metadata, but for what this file says itself."""
    for key, field in source.fields.items():
        if key in _OWN_KEYS or key.startswith(PREFIX):
            continue
        if isinstance(field.value, Array):
            values = list(field.value.values or ())
            writer.add_key_value(key, values, GGUFValueType.ARRAY, sub_type=GGUFValueType(field.value.item_type))
        else:
            writer.add_key_value(key, field.value, GGUFValueType(field.type))
    writer.add_file_type(file_type)
    writer.add_quantization_version(_QUANTIZATION_VERSION)


def _write_tensors(
    writer: GGUFWriter,
    source: Header,
    kinds: dict[str, GGMLQuantizationType],
    delta: Adapter,
    progress: Callable[[float], None] | None,
) -> None:
    for tensor in source.tensors:
        kind = kinds[tensor.name]
        size = encoded_size(tensor.shape, kind)
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), size, raw_dtype=kind)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        total, done = sum(tensor.size for tensor in source.tensors), 0
        for tensor in source.tensors:
            writer.write_tensor_data(_merged(source, tensor, kinds[tensor.name], delta))
            done += tensor.size
            if progress:
                progress(done / total)
    finally:
        writer.close()


def _merged(source: Header, tensor: Tensor, kind: GGMLQuantizationType, delta: Adapter) -> Encoded:
    """Return a tensor's encoded bytes after the merge, flat uint8."""
    if tensor.name not in delta.pairs:
        if kind == tensor.type:
            return read_raw(source.path, tensor).reshape(-1)
        return encode_tensor(tensor.shape, lambda first, last: read_rows(source.path, tensor, first, last), kind)
    low, high = (read_rows(delta.header.path, half) for half in delta.pairs[tensor.name])
    low = low * np.float32(delta.scale(tensor.name))  # (r, in)

    def rows(first: int, last: int) -> Float32:
        merged: Float32 = read_rows(source.path, tensor, first, last) + high[first:last] @ low
        return merged

    return encode_tensor(tensor.shape, rows, kind)
