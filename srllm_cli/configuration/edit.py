"""Adding a term to ``allow`` in a settings file, everything else in the file left as it is, comments too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srllm_cli.configuration.sources import OWN_FILE, PROJECT_FILE, SettingsFile
from srllm_cli.documents.files import write_new

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def allow_terms(file: SettingsFile | None, folder: Path, terms: Iterable[str]) -> Path:
    """Add terms to the settings file; where there is none, make one in ``folder``. Return its path.

    Raises:
        InputError: when it cannot be written.
    """
    import tomlkit

    path = file.path if file else folder / OWN_FILE
    content = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    table: MutableMapping[str, Any] = content
    if path.name == PROJECT_FILE:
        table = content["tool"]["srllm"]  # it is there, or `file` would be another
    allowed = table.setdefault("allow", tomlkit.array())
    for term in terms:
        if term not in allowed:
            allowed.append(term)
    write_new(path, tomlkit.dumps(content).encode())
    return path
