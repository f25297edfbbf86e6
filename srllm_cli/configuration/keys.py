"""The keys of a settings file: their types, and the errors that a wrong one gets. Pure.

Checked by hand rather than with pydantic: its import takes as long as all the rest of a check whose results are cached.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from srllm_cli.debias.types import DIMENSIONS
from srllm_cli.errors import ConfigurationError
from srllm_cli.models.family import DEFAULT


@dataclass(frozen=True, slots=True)
class Override:
    """Settings for the files that one of the patterns matches; ``values`` are those of a settings file's table."""

    files: tuple[str, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """A setting. ``read`` turns a TOML value into ours, or raises ``ValueError`` with what it must be.

    ``many`` says that a variable holds several, separated by commas; ``per_file``, that an override may set it.
    """

    read: Callable[[object], Any]
    default: Any = None
    many: bool = False
    per_file: bool = True


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a string")
    return value


def _path(value: object) -> str:
    """The empty string takes back what a settings file names."""
    if not isinstance(value, str):
        raise ValueError("a path")
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return float(value)


def _layers(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise ValueError("a whole number, -1 or more")
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError("a list of strings")
    return tuple(value)


def _dimensions(value: object) -> tuple[str, ...]:
    names = _texts(value)
    for name in names:
        if name not in DIMENSIONS:
            raise ValueError(f"a list of dimensions; {name!r} is none{nearest(name, DIMENSIONS)}")
    return names


#: Every key, in the order in which they are shown.
KEYS: Mapping[str, Key] = {
    "model": Key(_text, DEFAULT, per_file=False),
    "threshold": Key(_share),
    "screen": Key(_path, "", per_file=False),
    "gpu-layers": Key(_layers, -1, per_file=False),
    "comments": Key(_switch, False),
    "fields": Key(_texts, (), many=True),
    "dimensions": Key(_dimensions, (), many=True),
    "skip-dimensions": Key(_dimensions, (), many=True),
    "allow": Key(_texts, (), many=True),
    "deny": Key(_texts, (), many=True),
    "exclude": Key(_texts, (), many=True, per_file=False),
    "baseline": Key(_path, "", per_file=False),
    "cache": Key(_switch, True, per_file=False),
}
_OVERRIDES = "overrides"
_FILES = "files"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `: did you mean …?`, or nothing where no name is near."""
    near = difflib.get_close_matches(name.lower().replace("_", "-"), list(known), n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def read_table(table: Mapping[str, object], where: str) -> tuple[dict[str, Any], tuple[Override, ...]]:
    """Check a settings file's table; return its values and its overrides.

    Raises:
        ConfigurationError: naming ``where`` and the key that is unknown or wrong.
    """
    values = _read_values({key: value for key, value in table.items() if key != _OVERRIDES}, where, [*KEYS, _OVERRIDES])
    listed = table.get(_OVERRIDES, [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ConfigurationError(f"{where}: overrides must be tables: [[overrides]]")
    return values, tuple(_read_override(item, f"{where}, override {i}") for i, item in enumerate(listed, 1))


def read_word(key: str, word: str, where: str) -> Any:
    """Check a setting that was given as one word: a variable's value.

    Raises:
        ConfigurationError: naming ``where``.
    """
    value: object = word
    if KEYS[key].many:
        value = [part.strip() for part in word.split(",") if part.strip()]
    elif key in ("cache", "comments"):
        value = {"1": True, "true": True, "0": False, "false": False}.get(word.lower(), word)
    elif key in ("threshold", "gpu-layers"):
        value = _number(word)
    return _read_value(key, value, where)


def read_flag(key: str, value: object) -> Any:
    """Check a setting that was given on the command line.

    Raises:
        ConfigurationError: naming the option.
    """
    option = f"--{key.removesuffix('s') if KEYS[key].many else key}"
    return _read_value(key, value, option)


def _number(word: str) -> object:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _read_override(table: Mapping[str, object], where: str) -> Override:
    known = [_FILES, *(name for name, key in KEYS.items() if key.per_file)]
    values = _read_values({key: value for key, value in table.items() if key != _FILES}, where, known)
    try:
        files = _texts(table.get(_FILES))
    except ValueError as error:
        raise ConfigurationError(f"{where}: files must be {error}") from error
    return Override(files, values)


def _read_values(table: Mapping[str, object], where: str, known: list[str]) -> dict[str, Any]:
    for name in table:
        if name not in known:
            guess = nearest(name, known)
            raise ConfigurationError(f"{where}: unknown key {name!r}{guess}", f"known here: {', '.join(known)}")
    return {name: _read_value(name, value, f"{where}: {name}") for name, value in table.items()}


def _read_value(name: str, value: object, what: str) -> Any:
    try:
        return KEYS[name].read(value)
    except ValueError as error:
        raise ConfigurationError(f"{what} must be {error}") from error
