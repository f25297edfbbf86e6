"""What a model's results are kept under, told without loading, making or fetching the model."""

from __future__ import annotations

import hashlib
from pathlib import Path

_MODELS = Path(__file__).parent.parent / "models" / "data"


def model_id(name: str) -> str:
    """Return an id that changes whenever the model behind a name may have.

    Raises:
        ModelError: when there is no such model.
    """
    if own := built_in_id(name):
        return own
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        status = path.stat()
        return f"file:{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"
    from srllm_cli.models import resolve

    return resolve(name).id


def built_in_id(name: str) -> str | None:
    """Return the id of a model of our own, ``None`` for any other.

    Its manifest names all that it is made of; the type that it is kept in on this machine can be chosen
    (``srllm models tune``).
    """
    manifest = _MODELS / f"{name}.json"
    if manifest.name != f"{name}.json" or not manifest.is_file():
        return None
    from srllm_cli.models.cache import models_folder

    chosen = models_folder() / f"{name}.form"
    form = chosen.read_text(encoding="utf-8").strip() if chosen.is_file() else "as it comes"
    return f"{name}:{hashlib.sha256(manifest.read_bytes()).hexdigest()[:32]}:{form}"
