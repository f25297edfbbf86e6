"""Where made and fetched things are kept, files there that prove themselves, and the locks of those who write them.

A stamp (``NAME.json``) is written last, beside the file that it vouches for: its SHA-256, and the size and times under
which that hash was seen. On each start the size and times are compared, which is free and finds a file that was cut
short, replaced or edited; only when they differ is the file hashed again (a copied or restored cache), and a file whose
hash differs too is not used. It guards against accidents and other programs, not against someone who may write to the
user's own cache: they could write the stamp as well.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir

from srllm_cli.errors import ModelError
from srllm_convert.files import sha256_of, write_error

CACHE_VARIABLE = "SRLLM_CACHE_DIR"
_SPARE_BYTES = 16 << 20

#: Called with what is being done and the share that is done (``None``: not known); perhaps from another thread.
Progress = Callable[[str, float | None], None]


class CacheError(ModelError):
    """The cache is full, cannot be written, or is held by another process."""


def cache_folder() -> Path:
    """Return the cache's folder: ``SRLLM_CACHE_DIR``, or the system's place for caches. It may not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("srllm"))


def models_folder() -> Path:
    """Return the folder of made models. It may not exist yet."""
    return cache_folder() / "models"


def bases_folder() -> Path:
    """Return the folder of fetched base models. It may not exist yet."""
    return cache_folder() / "bases"


def stamp_path(path: Path) -> Path:
    """Return the path of a file's stamp."""
    return path.with_suffix(".json")


def write_stamp(path: Path, sha256: str) -> None:
    """Vouch for a file as it is now. The stamp is replaced in one step."""
    target = stamp_path(path)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_text(json.dumps({"sha256": sha256, "seen": _seen(path)}) + "\n", encoding="utf-8")
    part.replace(target)


def is_intact(path: Path) -> bool:
    """Whether the file is the one that its stamp vouches for."""
    try:
        expected, seen = _stamp(path)
        now = _seen(path)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if seen == now:
        return True
    if not seen or seen[0] != now[0] or sha256_of(path) != expected:
        return False
    with suppress(OSError):  # a cache that cannot be written is hashed each time
        write_stamp(path, expected)
    return True


def holds(path: Path, sha256: str) -> bool:
    """Whether the file is there and has this hash. One that was put there by hand is hashed, and stamped if right."""
    if is_intact(path):
        return _stamp(path)[0] == sha256
    if not path.is_file() or sha256_of(path) != sha256:
        return False
    with suppress(OSError):
        write_stamp(path, sha256)
    return True


def remove(path: Path) -> None:
    """Remove a file and its stamp, the stamp first; what cannot be removed (in use, on Windows) stays."""
    for item in (stamp_path(path), path):
        with suppress(OSError):
            item.unlink()


@contextmanager
def only_one(lock: Path, doing: str, longest_wait: float, progress: Progress | None) -> Iterator[None]:
    """Hold a lock of the cache while one process works at a file; say so when another has it.

    ``doing`` ends the sentence "another process ...". A process that dies, however it dies, gives the lock free.

    Raises:
        CacheError: when the other takes longer than ``longest_wait`` seconds, or the cache cannot be written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock)
        try:
            held.acquire(timeout=0)
        except Timeout:
            if progress:
                progress(f"waiting for another process that is {doing}", None)
            held.acquire(timeout=longest_wait)
    except Timeout as error:
        hint = f"end it, or set {CACHE_VARIABLE} to another folder"
        waited = f"{longest_wait / 60:.0f} minutes"
        raise CacheError(f"another process has been {doing} for {waited}", hint=hint) from error
    except OSError as error:
        raise cache_error(lock.parent, error) from error
    try:
        yield
    finally:
        held.release()


def need_space(folder: Path, needed: int, what: str) -> None:
    """Refuse early, and clearly, where the disk cannot hold what is to be written.

    Raises:
        CacheError: naming the bytes that are free and those that ``what`` needs.
    """
    needed += _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CacheError(
            f"{folder}: {free >> 20} MB free, {what} needs {needed >> 20} MB",
            hint=f"free some space, or set {CACHE_VARIABLE} to a folder on another disk",
        )


def cache_error(folder: Path, error: OSError) -> CacheError:
    """Return the one-line error for a cache that cannot be written."""
    told = write_error(folder, error)
    return CacheError(f"the cache {told}", hint=f"set {CACHE_VARIABLE} to a folder that can be written")


def _stamp(path: Path) -> tuple[str, list[int]]:
    """Return what a file's stamp says: its hash, and the size and times under which that was seen."""
    stamp = json.loads(stamp_path(path).read_text(encoding="utf-8"))
    return str(stamp["sha256"]), list(stamp["seen"])


def _seen(path: Path) -> list[int]:
    """Return size, time of the last write and time of the last change of any kind (which no program can set)."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
