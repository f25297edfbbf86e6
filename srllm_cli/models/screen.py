"""What ``--screen`` names: the model that looks at a passage before the chosen one does, and from which score on.

It chooses by name; it loads no model.
"""

from __future__ import annotations

from dataclasses import dataclass

from srllm_cli.errors import ModelError
from srllm_cli.models.family import FAMILY
from srllm_cli.models.manifest import Manifest, Screen
from srllm_cli.models.registry import ModelFile

NONE = "none"


@dataclass(frozen=True, slots=True)
class ScreenChoice:
    """A model by name, and the score below which it passes a passage over."""

    model: str
    threshold: float


def screen_by_name(asked: str | None, name: str) -> ScreenChoice | None:
    """Return what screens for the model of that name, without making or fetching it; see :func:`choose_screen`."""
    own = Manifest.read(FAMILY[name]).screen if name in FAMILY else None
    return _chosen(asked, name, own)


def choose_screen(asked: str | None, model: ModelFile) -> ScreenChoice | None:
    """Return what screens for ``model``; ``None``: nothing does.

    ``asked`` is ``none``, ``MODEL`` or ``MODEL@THRESHOLD``; ``None`` takes what the model itself brings. A threshold
    is measured for a pair of models, so a model that is not the one that ``model`` brings needs its threshold named.

    Raises:
        ModelError: when no threshold is known, or it is none.
    """
    return _chosen(asked, model.name, model.screen)


def _chosen(asked: str | None, name_of_model: str, own: Screen | None) -> ScreenChoice | None:
    if asked == NONE or (asked is None and own is None):
        return None
    if own is not None and asked in (None, own.model):
        return ScreenChoice(own.model, own.threshold)
    name, sign, number = str(asked).rpartition("@")
    try:
        threshold = float(number) if sign and name else None
    except ValueError:  # the sign belongs to the name: hf:owner/repo@revision/file.gguf
        threshold = None
    if threshold is None:
        hint = f"name one: --screen {asked}@0.05; or --screen none"
        raise ModelError(f"no threshold is known for {asked} to screen for {name_of_model}", hint=hint)
    if not 0.0 <= threshold <= 1.0:
        raise ModelError(f"--screen {asked}: the threshold must be a number from 0 to 1")
    return ScreenChoice(name, threshold)
