"""Where made and fetched things are kept, and files there that prove themselves.

A stamp (``NAME.json``) is written last, beside the file that it vouches for: its SHA-256, and the size and times under
which that hash was seen. On each start the size and times are compared, which is free and finds a file that was cut
short, replaced or edited; only when they differ is the file hashed again (a copied or restored cache), and a file whose
hash differs too is not used. It guards against accidents and other programs, not against someone who may write to the
user's own cache: they could write the stamp as well.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_dir

from srllm_convert.files import sha256_of

CACHE_VARIABLE = "SRLLM_CACHE_DIR"


def cache_folder() -> Path:
    """Return the cache's folder: ``SRLLM_CACHE_DIR``, or the system's place for caches. It may not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("srllm"))


def models_folder() -> Path:
    """Return the folder of made models. It may not exist yet."""
    return cache_folder() / "models"


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
        stamp = json.loads(stamp_path(path).read_text(encoding="utf-8"))
        expected, seen = str(stamp["sha256"]), list(stamp["seen"])
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


def remove(path: Path) -> None:
    """Remove a file and its stamp, the stamp first; what cannot be removed (in use, on Windows) stays."""
    for item in (stamp_path(path), path):
        with suppress(OSError):
            item.unlink()


def _seen(path: Path) -> list[int]:
    """Return size, time of the last write and time of the last change of any kind (which no program can set)."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
