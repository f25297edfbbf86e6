"""What ``--model`` names: a built-in model, a path to a GGUF, or a file on the hub."""

from __future__ import annotations

import difflib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from srllm_cli.errors import ModelError
from srllm_cli.models import builtin, hub
from srllm_cli.models.cache import Progress
from srllm_cli.models.check import check_model
from srllm_cli.models.family import FAMILY
from srllm_cli.models.form import suited
from srllm_cli.models.manifest import Manifest, Screen


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on this disk. ``id`` changes whenever its content may have: the part of a cache's key that it is.

    ``name`` is what the user called it; ``screen`` what screens for it unless the user says otherwise.
    """

    path: Path
    name: str
    id: str
    screen: Screen | None = None


def resolve(name: str, *, progress: Progress | None = None) -> ModelFile:
    """Return the local file of a model, making or fetching it first where that is needed.

    ``progress`` is called with what is being done and the share that is done (``None`` where it is not known); it is
    not called when there is nothing to do.

    Raises:
        ModelError: when the model is unknown, broken, of another kind, or cannot be fetched.
    """
    if name in FAMILY:
        manifest = suited(FAMILY[name], Manifest.read(FAMILY[name]))
        path = builtin.builtin_path(FAMILY[name], manifest, progress)
        return ModelFile(path, name, f"{name}:{manifest.key}", manifest.screen)
    if name.startswith(hub.SCHEME):
        path = hub.fetch(name, progress)
    elif _looks_like_path(name):
        path = Path(name).expanduser()
    else:
        near = difflib.get_close_matches(name.lower(), FAMILY, n=1)
        guess = f": did you mean {near[0]}?" if near else ""
        hint = f"a model is {', '.join(FAMILY)}, a path to a .gguf file, or {hub.FORM}"
        raise ModelError(f"unknown model {name!r}{guess}", hint=hint)
    check_model(path)
    return ModelFile(path, name, _file_id(path))


def _looks_like_path(name: str) -> bool:
    separators = {os.sep, os.altsep} - {None}
    return name.lower().endswith(".gguf") or any(str(sign) in name for sign in separators) or Path(name).exists()


def _file_id(path: Path) -> str:
    """Identify a user's own file by place, size and time: hashing gigabytes on each start would cost seconds."""
    real = path.resolve()
    status = real.stat()
    text = f"{real}\n{status.st_size}\n{status.st_mtime_ns}"
    return "file:" + hashlib.sha256(text.encode()).hexdigest()[:32]
