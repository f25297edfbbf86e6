"""Outputs that are whole or absent: a file is written beside its name and takes the name when it is finished.

It knows nothing of what is written.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from srllm_cli.errors import ModelError

PART_SUFFIX = ".part"
_CHUNK = 1 << 22


@contextmanager
def whole_file(out: Path) -> Iterator[Path]:
    """Yield the path to write to (``out`` with the suffix ``.part``); it becomes ``out`` when the block succeeds.

    Raises:
        ModelError: when the disk is full, or the folder is missing or cannot be written.
    """
    part = out.with_name(out.name + PART_SUFFIX)
    try:
        yield part
        part.replace(out)
    except OSError as error:
        raise write_error(out, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_error(out: Path, error: OSError) -> ModelError:
    """Return the one-line error for a write to ``out`` that failed."""
    # NumPy gives no number when a file cannot take all of an array; it is a full disk in practice.
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "requested and" in str(error):
        return ModelError(f"{out}: the disk is full", hint="free some space, or write to another disk")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ModelError(f"{out}: no permission to write there", hint="choose another folder")
    return ModelError(f"{out}: cannot be written ({error.strerror or error})")


def read_json(path: Path, missing: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: when the file is broken; ``missing``, what it means that there is none.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path.parent}: {missing}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path}: not a JSON object")
    return values


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
