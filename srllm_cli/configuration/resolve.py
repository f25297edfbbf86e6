"""From the places where settings are said to the one value in force for a document.

The nearest settings file above a document speaks for it, alone: a file further up is not merged in. Within it, an
override whose pattern matches beats the rest; variables beat files, and flags beat variables.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srllm_cli.configuration.keys import KEYS
from srllm_cli.configuration.sources import SettingsFile, read_environment, read_folder, variable

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value, the place where it was said, and the folder that a path or pattern in it is relative to."""

    value: Any
    origin: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is in force for a document.

    ``threshold`` ``None`` and ``screen`` empty: the model's own; no ``dimensions``: all of them.
    """

    model: str
    threshold: float | None
    screen: str
    gpu_layers: int
    comments: bool
    fields: tuple[str, ...]
    dimensions: tuple[str, ...]
    skip_dimensions: tuple[str, ...]
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    baseline: Path | None
    cache: bool

    def acts_on(self, dimension: str) -> bool:
        """Whether findings of a dimension are acted on."""
        return (not self.dimensions or dimension in self.dimensions) and dimension not in self.skip_dimensions


class Configurator:
    """Answers what is in force for a path (stateful: remembers the settings files that it read)."""

    def __init__(self, flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Take the flags that were given (by key; ``None`` for one that was not) and the environment.

        Raises:
            ConfigurationError: when a variable holds a wrong value.
        """
        self._here = Path.cwd()
        self._flags = {key: value for key, value in (flags or {}).items() if value is not None}
        self._environment = read_environment(os.environ if environment is None else environment)
        self._files: dict[Path, SettingsFile | None] = {}
        self._excluding: dict[str, tuple[GitIgnoreSpec, str] | None] = {}
        self._memo: dict[tuple[Path | None, tuple[int, ...]], Configuration] = {}

    def of(self, path: Path) -> Configuration:
        """Return what is in force for a document; for standard input, that of the name that it goes by.

        Raises:
            ConfigurationError: when the settings file that speaks for it is wrong.
        """
        place = self._absolute(path)
        file = self.file_for(place)
        matching = _matching(file, place)
        key = (file.path if file else None, matching)
        if key not in self._memo:
            self._memo[key] = _configuration(self._values(file, matching))
        return self._memo[key]

    def explain(self, path: Path) -> dict[str, Value]:
        """Return every setting that is in force for a path, with where it was said."""
        place = self._absolute(path)
        file = self.file_for(place)
        return self._values(file, _matching(file, place))

    def excludes(self, path: Path, *, folder: bool = False) -> bool:
        """Whether a document, or everything in a folder, is excluded by the settings that speak for it."""
        parent, name = os.path.split(self._absolute(path))
        if parent not in self._excluding:
            value = self._values(self._nearest(Path(parent)), ())["exclude"]
            relative = _relative(Path(parent), value.folder)
            spoken = value.value and relative is not None
            self._excluding[parent] = (_patterns(value.value), f"{relative}/") if spoken else None
        speaking = self._excluding[parent]
        if speaking is None:
            return False
        patterns, prefix = speaking
        return patterns.match_file(prefix.removeprefix("./") + name + ("/" if folder else ""))

    def file_for(self, place: Path) -> SettingsFile | None:
        """Return the nearest settings file above a path."""
        return self._nearest(self._absolute(place).parent)

    def _nearest(self, folder: Path) -> SettingsFile | None:
        if folder not in self._files:
            found = read_folder(folder)
            if found is None and folder.parent != folder:
                found = self._nearest(folder.parent)
            self._files[folder] = found
        return self._files[folder]

    def _absolute(self, path: Path) -> Path:
        return Path(os.path.normpath(self._here / path))

    def _values(self, file: SettingsFile | None, matching: tuple[int, ...]) -> dict[str, Value]:
        """Return the values in force, the later layer before the earlier."""
        values = {key: Value(entry.default, "default", self._here) for key, entry in KEYS.items()}
        if file:
            values |= {key: Value(value, str(file.path), file.folder) for key, value in file.values.items()}
            for i in matching:
                origin = f"{file.path}, override {i + 1}"
                over = file.overrides[i].values
                values |= {key: Value(value, origin, file.folder) for key, value in over.items()}
        values |= {key: Value(value, variable(key), self._here) for key, value in self._environment.items()}
        return values | {key: Value(value, "command line", self._here) for key, value in self._flags.items()}


def _configuration(values: Mapping[str, Value]) -> Configuration:
    baseline = values["baseline"]
    plain = {key.replace("-", "_"): entry.value for key, entry in values.items()}
    plain["baseline"] = baseline.folder / baseline.value if baseline.value else None
    del plain["exclude"]
    return Configuration(**plain)


def _matching(file: SettingsFile | None, place: Path) -> tuple[int, ...]:
    """Return the numbers of the overrides that a path falls under."""
    if file is None or not file.overrides:
        return ()
    relative = _relative(place, file.folder)
    if relative is None:
        return ()
    return tuple(i for i, override in enumerate(file.overrides) if _patterns(override.files).match_file(relative))


def _relative(place: Path, folder: Path) -> str | None:
    """Return a path relative to a folder, with slashes; ``None`` where it lies elsewhere."""
    return place.relative_to(folder).as_posix() if place.is_relative_to(folder) else None


@lru_cache(maxsize=64)
def _patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)
