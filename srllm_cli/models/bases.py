"""A base model's name to its GGUF on this disk: from an installed package, or fetched once into the cache.

Whatever the file came from, a fetched one is used only when it has the hash that the family's table states.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from srllm_cli.errors import ModelError
from srllm_cli.models import cache
from srllm_cli.models.cache import Progress
from srllm_cli.models.family import BASES, Base

#: A slow line takes this long for half a gigabyte.
_LONGEST_WAIT = 7200.0


def base_path(base: Base, progress: Progress | None = None) -> Path:
    """Return the path of a base's GGUF, fetching it where it is neither installed nor in the cache.

    Two processes that come at once fetch it once. A file that was put into the cache's folder by hand is taken when
    it is the right one, and replaced when it is not.

    Raises:
        ModelError: when the package that brings it is missing, it cannot be fetched, or the cache cannot be written.
    """
    if base.package is not None:
        return _packaged(base, base.package)
    path = cached_path(base)
    if not cache.holds(path, base.sha256):
        lock = path.with_name(f"{path.name}.lock")
        with cache.only_one(lock, f"fetching {base.title}", _LONGEST_WAIT, progress):
            if not cache.holds(path, base.sha256):  # unless another process fetched it meanwhile
                from srllm_cli.models.fetch import fetch_base

                fetch_base(base, path, progress)
    return path


def base_file(name: str, progress: Progress | None = None) -> Path:
    """Return the file of a base by its name in recipes; any other name is taken as a path, which may not exist.

    Raises:
        ModelError: as :func:`base_path`.
    """
    return base_path(BASES[name], progress) if name in BASES else Path(name)


def cached_path(base: Base) -> Path:
    """Return where a fetched base is kept. It may not be there yet."""
    return cache.bases_folder() / base.file


def _packaged(base: Base, requirement: str) -> Path:
    """Find the file in its installed package, without importing that."""
    package = requirement.partition("==")[0]
    spec = importlib.util.find_spec(package.replace("-", "_"))
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / base.file
        if path.is_file():
            return path
    raise ModelError(f"the package {package} with {base.file} is not installed", hint=f"pip install '{requirement}'")
