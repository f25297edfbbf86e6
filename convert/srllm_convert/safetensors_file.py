"""Safetensors read with NumPy: one tensor at a time, bfloat16 included, without torch.

The format (https://huggingface.co/docs/safetensors): an 8-byte length, a JSON table, the data. Nothing is executed.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from srllm_cli.errors import ModelError
from srllm_convert.tensors import Float32

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LONGEST_TABLE = 100_000_000  # the reference implementation's own limit


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies: ``offset`` in bytes from the file's start, ``dtype`` by safetensors' name."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def rows(self, first: int = 0, last: int | None = None) -> Float32:
        """Return rows ``first`` to ``last`` as float32, (last - first, ...); a vector's rows are its values."""
        last = self.shape[0] if last is None else last
        width = prod(self.shape[1:])
        kind = np.dtype(_TYPES[self.dtype])
        offset = self.offset + first * width * kind.itemsize
        raw = np.fromfile(self.path, dtype=kind, count=(last - first) * width, offset=offset)
        is_bfloat = self.dtype == "BF16"  # the upper half of a float32
        values = (raw.astype(np.uint32) << 16).view(np.float32) if is_bfloat else raw.astype(np.float32)
        return values.reshape(last - first, *self.shape[1:])


def read_table(path: Path) -> dict[str, Entry]:
    """Return the tensors of one safetensors file by name, in the order of their data.

    Raises:
        ModelError: when the file is missing, truncated, or no safetensors file of floating-point tensors.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(size - 8, _LONGEST_TABLE):
                raise ValueError("its table is longer than the file")
            table = json.loads(stream.read(length))
        entries = [_entry(path, name, row, 8 + length) for name, row in table.items() if name != "__metadata__"]
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file") from error
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelError(f"{path}: not a safetensors file ({error})") from error
    for entry in entries:
        if entry.offset + prod(entry.shape) * np.dtype(_TYPES[entry.dtype]).itemsize > size:
            raise ModelError(f"{path}: truncated: {entry.name} lies past its end", hint="fetch or make it again")
    return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.offset)}


def read_checkpoint(folder: Path) -> dict[str, Entry]:
    """Return all tensors of a checkpoint folder, in one file or in shards.

    Raises:
        ModelError: when there are no safetensors, a shard is missing or broken, or the checkpoint is quantised.
    """
    tensors: dict[str, Entry] = {}
    for path in _shards(folder):
        tensors |= read_table(path)
    return tensors


def _shards(folder: Path) -> Iterator[Path]:
    index = folder / INDEX_FILE
    if index.is_file():
        try:
            listed: Mapping[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
            names = sorted(set(listed.values()))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(f"{index}: cannot be read: {error}") from error
        for name in names:
            if Path(name).name != name:
                raise ModelError(f"{index}: names a file outside the folder: {name}")
            yield folder / name
    elif (folder / SINGLE_FILE).is_file():
        yield folder / SINGLE_FILE
    else:
        hint = "only safetensors are read: save it with safe_serialization=True"
        raise ModelError(f"{folder}: no {SINGLE_FILE}", hint=hint)


def _entry(path: Path, name: str, row: Mapping[str, object], start: int) -> Entry:
    kind, shape, offsets = str(row["dtype"]), row["shape"], row["data_offsets"]
    if kind not in _TYPES:
        raise ValueError(f"{name} has the type {kind}; only {', '.join(_TYPES)} are read")
    if not isinstance(shape, list) or not isinstance(offsets, list):
        raise ValueError(f"{name} has a broken row in the table")
    return Entry(path, name, kind, tuple(int(value) for value in shape), start + int(offsets[0]))
