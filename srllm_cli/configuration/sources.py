"""Where settings are said: ``srllm.toml``, ``[tool.srllm]`` in ``pyproject.toml``, and ``SRLLM_…`` variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from srllm_cli.configuration.keys import KEYS, Override, read_table, read_word
from srllm_cli.errors import ConfigurationError

OWN_FILE = "srllm.toml"
PROJECT_FILE = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A checked settings file. Its patterns and paths are relative to ``folder``."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that the file lies in."""
        return self.path.parent


def read_folder(folder: Path) -> SettingsFile | None:
    """Return the settings file of a folder, ``srllm.toml`` before ``pyproject.toml``; ``None`` where there is none.

    Raises:
        ConfigurationError: when the file is no TOML, or a key in it is unknown or wrong.
    """
    own = folder / OWN_FILE
    if own.is_file():
        return SettingsFile(own, *read_table(_read_toml(own), _shown(own)))
    project = folder / PROJECT_FILE
    if project.is_file():
        table = _read_toml(project).get("tool", {})
        if isinstance(table, dict) and "srllm" in table:
            if not isinstance(table["srllm"], dict):
                raise ConfigurationError(f"{_shown(project)}: [tool.srllm] must be a table")
            return SettingsFile(project, *read_table(table["srllm"], f"{_shown(project)} [tool.srllm]"))
    return None


def variable(key: str) -> str:
    """Return the name of a key's environment variable."""
    return "SRLLM_" + key.upper().replace("-", "_")


def read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that variables hold; an empty one says nothing.

    Raises:
        ConfigurationError: naming the variable that is wrong.
    """
    given = {key: environment.get(variable(key), "") for key in KEYS}
    return {key: read_word(key, word, variable(key)) for key, word in given.items() if word}


def _read_toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{_shown(path)}: is no TOML: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise ConfigurationError(f"{_shown(path)}: cannot be read: {error.strerror}") from error
    return content


def _shown(path: Path) -> str:
    """Return a path as short as it can be said from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
