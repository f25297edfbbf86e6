"""The protocol in a GGUF's metadata: a model brings its own prompt, threshold and origin.

``merge``, ``quantize`` and the built-in model write these keys, ``rewrite`` reads them. It knows the keys and the
container; it runs no model.

=========================  =======  ==================================================================
key                        type     meaning
=========================  =======  ==================================================================
``srllm.protocol``         string   ``verdict`` or ``plain``
``srllm.system_prompt``    string   the system line, for people to read; may be empty
``srllm.prompt_prefix``    string   what stands before the passage (holds the system turn, if any)
``srllm.prompt_suffix``    string   what stands after it
``srllm.end``              string   what ends the answer
``srllm.threshold``        float64  score from which a passage counts as biased; absent when not known
``srllm.data``             string   fingerprint of the training data
``srllm.recipe``           string   the training recipe, JSON
``srllm.version``          string   version of srllm that wrote the keys
=========================  =======  ==================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from srllm_cli.debias.protocol import Protocol
from srllm_cli.errors import ModelError
from srllm_convert.gguf_file import Header, read_header

if TYPE_CHECKING:
    from gguf import GGUFWriter

PREFIX = "srllm."
RECIPE_FILE = "recipe.json"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from; each part may be empty. ``recipe`` holds the settings of its training run."""

    system_prompt: str = ""
    data: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


class StoredProtocol(NamedTuple):
    """What a GGUF says about how it is used."""

    protocol: Protocol
    threshold: float | None = None
    extras: Origin = Origin()


def read_protocol(path: Path) -> StoredProtocol | None:
    """Read the protocol of a GGUF; ``None`` when it carries none (any other instruct model).

    Reads the header only: some 20 ms for a vocabulary of 50,000.

    Raises:
        ModelError: when the file is no GGUF, or its srllm keys are broken.
    """
    return protocol_of(read_header(path))


def protocol_of(header: Header) -> StoredProtocol | None:
    """Return the protocol in a header that has been read; see :func:`read_protocol`."""
    values = {key: entry.value for key, entry in header.fields.items() if key.startswith(PREFIX)}
    return parse_protocol(values, where=str(header.path))


def parse_protocol(values: Mapping[str, Any], where: str = "the model") -> StoredProtocol | None:
    """Read the protocol out of metadata (llama.cpp hands it out as strings); ``None`` when there is none.

    Raises:
        ModelError: naming ``where`` and the key that is missing or wrong.
    """
    if f"{PREFIX}protocol" not in values:
        return None
    texts = {}
    for name in ("protocol", "prompt_prefix", "prompt_suffix", "end"):
        text = values.get(PREFIX + name)
        if not isinstance(text, str):
            raise ModelError(f"{where}: the metadata {PREFIX}{name} is missing", hint="make the GGUF again")
        texts[name] = text
    try:
        protocol = Protocol(texts["protocol"], texts["prompt_prefix"], texts["prompt_suffix"], texts["end"])
        threshold = values.get(f"{PREFIX}threshold")
        recipe = json.loads(values.get(f"{PREFIX}recipe") or "{}")
        origin = Origin(
            system_prompt=str(values.get(f"{PREFIX}system_prompt", "")),
            data=str(values.get(f"{PREFIX}data", "")),
            recipe=recipe if isinstance(recipe, dict) else {},
            version=str(values.get(f"{PREFIX}version", "")),
        )
        return StoredProtocol(protocol, None if threshold is None else float(threshold), origin)
    except ValueError as error:
        hint = "it may need a newer srllm"
        raise ModelError(f"{where}: its srllm metadata cannot be read: {error}", hint=hint) from error


def write_protocol(writer: GGUFWriter, stored: StoredProtocol) -> None:
    """Add the keys to a GGUF that is being written."""
    from gguf import GGUFValueType

    protocol, threshold, origin = stored
    texts = {
        "protocol": protocol.name,
        "system_prompt": origin.system_prompt,
        "prompt_prefix": protocol.prefix,
        "prompt_suffix": protocol.suffix,
        "end": protocol.end,
        "data": origin.data,
        "recipe": json.dumps(dict(origin.recipe), ensure_ascii=False, sort_keys=True),
        "version": origin.version or srllm_version(),
    }
    for name, text in texts.items():  # not add_string, which leaves empty strings out
        writer.add_key_value(PREFIX + name, text, GGUFValueType.STRING)
    if threshold is not None:  # 64 bits: 0.37 is read back as 0.37
        writer.add_key_value(f"{PREFIX}threshold", float(threshold), GGUFValueType.FLOAT64)


def run_protocol(folder: Path, threshold: float | None = None) -> StoredProtocol | None:
    """Return the protocol of a run's adapter, checkpoint or merged folder, from its ``recipe.json`` (or its parent's).

    ``None`` when there is no recipe: the model was not made by ``srllm train``.
    """
    recipe = read_recipe(folder)
    if recipe is None:
        return None
    data = str(recipe.pop("data", ""))
    return StoredProtocol(Protocol(str(recipe.get("protocol", "verdict"))), threshold, Origin(data=data, recipe=recipe))


def read_recipe(folder: Path) -> dict[str, Any] | None:
    """Return the ``recipe.json`` of a run's folder, with the key ``data``; checkpoints have it one folder up.

    Raises:
        ModelError: when the file is there and broken.
    """
    for path in (folder / RECIPE_FILE, folder.absolute().parent / RECIPE_FILE):
        if path.is_file():
            try:
                recipe = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ModelError(f"{path}: not JSON: {error}") from error
            if not isinstance(recipe, dict):
                raise ModelError(f"{path}: not a recipe")
            return recipe
    return None


def srllm_version() -> str:
    """Return the installed version of srllm."""
    try:
        return version("srllm")
    except PackageNotFoundError:
        return "0"
