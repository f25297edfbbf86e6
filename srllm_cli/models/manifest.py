"""What the package says about a built-in model: the manifest beside its adapter.

It knows the file's form and which values make up the merged model; it makes no model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from srllm_cli.debias.protocol import Protocol
from srllm_cli.errors import ModelError
from srllm_cli.models.family import DEFAULT, Member
from srllm_convert.metadata import Origin, StoredProtocol

#: The package data: manifests and adapters.
DATA_FOLDER = Path(__file__).parent / "data"
#: Raised when the code that merges gives other bytes for the same inputs: caches are then rebuilt.
MERGE_VERSION = 1


def adapter_path(member: Member, folder: Path | None = None) -> Path:
    """Return the path of a built-in model's adapter in ``folder``, by default the package data."""
    return (folder or DATA_FOLDER) / member.adapter_file


@dataclass(frozen=True, slots=True)
class Screen:
    """The model that screens for another, and the score below which it passes a passage over.

    ``adapter_sha256`` is the screening model's adapter with which the threshold was measured: another one needs
    another threshold.
    """

    model: str
    threshold: float
    adapter_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the package says about a built-in model. ``card`` holds measured figures, for people and reports."""

    base_sha256: str
    adapter_sha256: str
    format: str
    protocol: Protocol
    threshold: float | None = None
    screen: Screen | None = None
    data: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A hash of everything that the merged file depends on, 16 hexadecimal digits."""
        values = self.to_dict()
        del values["card"], values["screen"]
        text = json.dumps([MERGE_VERSION, values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def stored(self) -> StoredProtocol:
        """The protocol as it goes into the merged file's metadata."""
        return StoredProtocol(self.protocol, self.threshold, Origin(data=self.data, recipe=self.recipe))

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as JSON values."""
        spoken, screen = self.protocol, self.screen
        return {
            "base_sha256": self.base_sha256,
            "adapter_sha256": self.adapter_sha256,
            "format": self.format,
            "protocol": {"name": spoken.name, "prefix": spoken.prefix, "suffix": spoken.suffix, "end": spoken.end},
            "threshold": self.threshold,
            "screen": screen
            and {"model": screen.model, "threshold": screen.threshold, "adapter_sha256": screen.adapter_sha256},
            "data": self.data,
            "recipe": dict(self.recipe),
            "card": dict(self.card),
        }

    @classmethod
    def read(cls, member: Member, folder: Path | None = None) -> Manifest:
        """Read a model's manifest in ``folder``, by default the package data.

        Raises:
            ModelError: when the installation lacks it or it is broken.
        """
        path = (folder or DATA_FOLDER) / member.manifest_file
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            screen = values.get("screen")
            parsed = {"protocol": Protocol(**values["protocol"]), "screen": Screen(**screen) if screen else None}
            return cls(**{**values, **parsed})
        except FileNotFoundError as error:
            other = "" if member.name == DEFAULT else f"--model {DEFAULT}, or "
            hint = f"install srllm again, or use {other}--model with a .gguf file"
            raise ModelError(f"this installation holds no model {member.name}", hint=hint) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path}: cannot be read: {error}", hint="install srllm again") from error
