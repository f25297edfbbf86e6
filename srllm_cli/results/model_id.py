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
    manifest = _MODELS / f"{name}.json"
    if (
        manifest.name == f"{name}.json" and manifest.is_file()
    ):  # a model of our own: its manifest names all it is made of
        return f"{name}:{hashlib.sha256(manifest.read_bytes()).hexdigest()[:32]}"
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        status = path.stat()
        return f"file:{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"
    from srllm_cli.models import resolve

    return resolve(name).id
