"""Tensor values in and out of GGUF encodings, a few rows at a time so that memory stays bounded.

It knows arrays and encodings; it knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, LlamaFileType
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray

from srllm_cli.errors import ModelError
from srllm_convert.gguf_file import Tensor

Float32 = NDArray[np.float32]
Encoded = NDArray[Any]

#: Encodings that NumPy writes here, and the file type that each makes. All others are llama.cpp's work (``quantize``).
FILE_TYPES = {
    "F32": LlamaFileType.ALL_F32,
    "F16": LlamaFileType.MOSTLY_F16,
    "BF16": LlamaFileType.MOSTLY_BF16,
    "Q8_0": LlamaFileType.MOSTLY_Q8_0,
}
#: Values decoded at a time (16 MB as float32).
CHUNK_VALUES = 1 << 22


def encoding(name: str) -> GGMLQuantizationType:
    """Return the encoding of that name, one of :data:`FILE_TYPES`.

    Raises:
        ModelError: for any other name.
    """
    if name.upper() not in FILE_TYPES:
        raise ModelError(f"cannot write the type {name!r} directly", hint="one of " + ", ".join(FILE_TYPES))
    return GGMLQuantizationType[name.upper()]


def encoding_for(shape: tuple[int, ...], wanted: GGMLQuantizationType) -> GGMLQuantizationType:
    """Return the encoding of a tensor in a file of type ``wanted``, as llama.cpp's own converter chooses it.

    Vectors (norms and biases) stay F32; rows that do not divide into blocks fall back to F16.
    """
    if len(shape) < 2:
        return GGMLQuantizationType.F32
    block, _ = GGML_QUANT_SIZES[wanted]
    return GGMLQuantizationType.F16 if shape[-1] % block else wanted


def encoded_size(shape: tuple[int, ...], kind: GGMLQuantizationType) -> int:
    """Return the bytes that a tensor of this shape takes."""
    block, size = GGML_QUANT_SIZES[kind]
    return prod(shape) // int(block) * int(size)


def encode(values: Float32, kind: GGMLQuantizationType) -> Encoded:
    """Encode float32 rows; the result is float32 or float16, or uint8 for every other encoding."""
    if kind == GGMLQuantizationType.Q8_0:
        return _q8_0(values)
    if kind == GGMLQuantizationType.F16:
        with np.errstate(over="raise"):
            try:
                return values.astype(np.float16)
            except FloatingPointError as error:
                hint = "use BF16 or F32"
                raise ModelError("a weight is too large for F16", hint=hint) from error
    coded: Encoded = quantize(np.ascontiguousarray(values), kind)
    return coded


def encode_tensor(shape: tuple[int, ...], rows: Callable[[int, int], Float32], kind: GGMLQuantizationType) -> Encoded:
    """Encode a tensor chunk by chunk. ``rows(first, last)`` gives its rows as float32, (last - first, row length).

    Returns the encoded bytes as a flat uint8 array: beyond it, only one chunk is in memory.
    """
    out = np.empty(encoded_size(shape, kind), dtype=np.uint8)
    at = 0
    for first, last in row_chunks(shape):
        part = encode(rows(first, last), kind).reshape(-1).view(np.uint8)
        out[at : at + part.size] = part
        at += part.size
    return out


def row_chunks(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) over all rows, some :data:`CHUNK_VALUES` values at a time; a vector is one row."""
    count = prod(shape[:-1])
    step = max(1, CHUNK_VALUES // max(1, shape[-1]))
    for first in range(0, count, step):
        yield first, min(first + step, count)


def read_rows(path: Path, tensor: Tensor, first: int = 0, last: int | None = None) -> Float32:
    """Return rows ``first`` to ``last`` of a tensor in a GGUF as float32, (last - first, row length).

    Raises:
        ModelError: when its encoding cannot be decoded here.
    """
    raw = read_raw(path, tensor, first, last)
    kind = GGMLQuantizationType(tensor.type)
    try:
        decoded: Float32 = dequantize(raw, kind)
    except NotImplementedError as error:
        hint = "start from a file of another type"
        raise ModelError(f"{path}: {kind.name} weights cannot be decoded", hint=hint) from error
    return decoded.reshape(-1, tensor.shape[-1])


def read_raw(path: Path, tensor: Tensor, first: int = 0, last: int | None = None) -> NDArray[np.uint8]:
    """Return the encoded bytes of rows ``first`` to ``last``: uint8, (last - first, bytes in a row)."""
    count = prod(tensor.shape[:-1])
    last = count if last is None else last
    width = tensor.size // max(1, count)
    raw = np.fromfile(path, dtype=np.uint8, count=(last - first) * width, offset=tensor.offset + first * width)
    if raw.size != (last - first) * width:
        raise ModelError(f"{path}: truncated GGUF", hint="fetch or make it again")
    return raw.reshape(last - first, width)


def _q8_0(values: Float32) -> NDArray[np.uint8]:
    """Encode as Q8_0: blocks of 32, one float16 scale each. gguf.quants' bytes in a third of its time.

    ``rint`` and ggml's ``roundf`` differ at exact halves only, where both neighbours are as near.
    """
    blocks = values.reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1) / np.float32(127)
    with np.errstate(divide="ignore"):
        inverse = np.where(scale == 0, np.float32(0), np.float32(1) / scale)
    out = np.empty((len(blocks), 34), dtype=np.uint8)
    out[:, :2] = scale.astype(np.float16)[:, None].view(np.uint8)
    out[:, 2:] = np.rint(blocks * inverse[:, None]).astype(np.int8).view(np.uint8)
    return out.reshape(-1)
