"""The GGUF container: its header (metadata and tensor table), read and checked without touching the weights.

The package ``gguf`` has a reader as well; it makes an array object of each of the 100,000 strings of a vocabulary,
which takes a second or more. This one skips them unless they are asked for, and never reads past what the file holds:
llama.cpp may end the process on a broken file, so each file passes :func:`check_gguf` first. It knows the container
only: which model, which protocol, is for others to say.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from srllm_cli.errors import ModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
STRING, ARRAY = 8, 9
#: Formats of the scalar value types, by type number (gguf.GGUFValueType).
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
#: (values in a block, bytes in a block) of each tensor type, by type number. The same table as gguf.GGML_QUANT_SIZES,
#: which a test compares; kept here because importing gguf costs more than reading a header does.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18),
}  # fmt: skip
_MOST_DIMENSIONS = 4
_DEEPEST_ARRAY = 4
_U64 = struct.Struct("<Q")
_DOWNLOAD_AGAIN = "the file is incomplete or damaged: fetch or make it again"


@dataclass(frozen=True, slots=True)
class Array:
    """An array value. ``values`` is ``None`` when the header was read without arrays."""

    item_type: int
    count: int
    values: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Field:
    """One metadata entry: its type number and its value (a scalar, a string or an :class:`Array`)."""

    type: int
    value: Any


@dataclass(frozen=True, slots=True)
class Tensor:
    """One row of the tensor table. ``shape`` is in NumPy's order (rows first), ``offset`` is from the file's start."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF says about itself before its weights begin."""

    path: Path
    version: int
    fields: dict[str, Field]
    tensors: tuple[Tensor, ...]
    alignment: int

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a metadata key."""
        field = self.fields.get(key)
        return default if field is None else field.value

    @property
    def architecture(self) -> str:
        """The architecture's name, empty when the file names none."""
        return str(self.get("general.architecture", ""))

    @property
    def kind(self) -> str:
        """``model`` (also where a file does not say), ``adapter``, ``mmproj``, ``imatrix`` and so on."""
        return str(self.get("general.type", "model"))


def read_header(path: Path, *, arrays: bool = False) -> Header:
    """Read a GGUF's header. Arrays (the vocabulary, mostly) are skipped unless ``arrays``.

    Raises:
        ModelError: when the file is missing, is no GGUF, has an unknown version, or ends too early.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(4) != MAGIC:
                raise ModelError(f"{path}: not a GGUF file", hint="a model is a .gguf file for llama.cpp")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _parse(path, data, arrays)
    except IsADirectoryError as error:
        raise ModelError(f"{path}: a folder, not a GGUF file") from error
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (struct.error, OverflowError, MemoryError) as error:
        raise ModelError(f"{path}: the GGUF ends inside its header", hint=_DOWNLOAD_AGAIN) from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: the GGUF's header holds text that is not UTF-8", hint=_DOWNLOAD_AGAIN) from error


def check_gguf(path: Path, *, arrays: bool = False) -> Header:
    """Read a GGUF's header and check that every tensor it lists lies inside the file.

    Raises:
        ModelError: as :func:`read_header`, and when the file is truncated or has a tensor of an unknown type.
    """
    header = read_header(path, arrays=arrays)
    size = path.stat().st_size
    end = max((tensor.offset + tensor.size for tensor in header.tensors), default=0)
    if end > size:
        raise ModelError(f"{path}: truncated GGUF: {size:,} of {end:,} bytes", hint=_DOWNLOAD_AGAIN)
    return header


class _Cursor:
    """A position in the mapped file; every step is checked against its end (``struct.error``)."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.size, self.position = data, len(data), 4

    def scalar(self, form: str) -> Any:
        value = struct.unpack_from("<" + form, self.data, self.position)[0]
        self.position += struct.calcsize("<" + form)
        return value

    def take(self, length: int) -> bytes:
        if length > self.size - self.position:
            raise struct.error("past the end")
        self.position += length
        return self.data[self.position - length : self.position]

    def string(self) -> str:
        return self.take(self.scalar("Q")).decode("utf-8")

    def skip_strings(self, count: int) -> None:
        data, position, length_at = self.data, self.position, _U64.unpack_from
        for _ in range(count):
            position += 8 + length_at(data, position)[0]
        self.position = position


def _parse(path: Path, data: mmap.mmap, arrays: bool) -> Header:
    cursor = _Cursor(data)
    version = cursor.scalar("I")
    if version not in VERSIONS:
        hint = "convert it again with a current llama.cpp" if version == 1 else "big-endian files are not supported"
        raise ModelError(f"{path}: GGUF version {version} is not supported", hint=hint)
    tensor_count, field_count = cursor.scalar("Q"), cursor.scalar("Q")
    fields: dict[str, Field] = {}
    for _ in range(field_count):
        key = cursor.string()
        kind = cursor.scalar("I")
        fields[key] = Field(kind, _value(path, cursor, kind, arrays, 0))
    alignment = fields["general.alignment"].value if "general.alignment" in fields else DEFAULT_ALIGNMENT
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise ModelError(f"{path}: the GGUF has the alignment {alignment}", hint=_DOWNLOAD_AGAIN)
    rows = [_tensor_row(path, cursor) for _ in range(tensor_count)]
    start = -(-cursor.position // alignment) * alignment
    tensors = tuple(Tensor(row.name, row.shape, row.type, row.offset + start, row.size) for row in rows)
    return Header(path, version, fields, tensors, alignment)


def _value(path: Path, cursor: _Cursor, kind: int, arrays: bool, depth: int) -> Any:
    if kind in SCALARS:
        return cursor.scalar(SCALARS[kind])
    if kind == STRING:
        return cursor.string()
    if kind != ARRAY or depth > _DEEPEST_ARRAY:
        raise ModelError(f"{path}: the GGUF has a metadata value of unknown type {kind}", hint=_DOWNLOAD_AGAIN)
    item, count = cursor.scalar("I"), cursor.scalar("Q")
    values: tuple[Any, ...] | None = None
    if item in SCALARS:
        raw = cursor.take(count * struct.calcsize("<" + SCALARS[item]))
        values = struct.unpack(f"<{count}{SCALARS[item]}", raw) if arrays else None
    elif item == STRING and not arrays:
        cursor.skip_strings(count)
    else:
        read: Callable[[], Any] = (
            cursor.string if item == STRING else lambda: _value(path, cursor, item, arrays, depth + 1)
        )
        values = tuple(read() for _ in range(count))
    return Array(item, count, values)


def _tensor_row(path: Path, cursor: _Cursor) -> Tensor:
    """Read a row of the tensor table; its offset still counts from the start of the data."""
    name = cursor.string()
    dimensions = cursor.scalar("I")
    if dimensions > _MOST_DIMENSIONS:
        raise ModelError(f"{path}: tensor {name!r} has {dimensions} dimensions", hint=_DOWNLOAD_AGAIN)
    shape = tuple(cursor.scalar("Q") for _ in range(dimensions))[::-1]
    kind, offset = cursor.scalar("I"), cursor.scalar("Q")
    if kind not in BLOCKS:
        hint = "the file may be damaged, or made by a newer llama.cpp: update srllm"
        raise ModelError(f"{path}: tensor {name!r} has the unknown type {kind}", hint=hint)
    values, size = BLOCKS[kind]
    if shape and shape[-1] % values:
        raise ModelError(f"{path}: tensor {name!r} has rows of {shape[-1]} values in blocks of {values}")
    return Tensor(name, shape, kind, offset, prod(shape) // values * size)
