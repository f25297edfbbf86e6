"""What can be said of the built-in models without making or fetching one: where each stands, and how to be rid of it.

Values only; nothing is printed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srllm_cli.errors import ModelError
from srllm_cli.models import cache, fetch
from srllm_cli.models.bases import base_path, cached_path
from srllm_cli.models.builtin import merged_path, remove_merged
from srllm_cli.models.family import DEFAULT, FAMILY, Member
from srllm_cli.models.form import forget_tuned_form, suited
from srllm_cli.models.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a built-in model stands on this machine. ``manifest`` is ``None`` where this installation lacks it."""

    member: Member
    manifest: Manifest | None
    ready: Path | None
    base_here: bool

    @property
    def told(self) -> str:
        """The standing in a few words."""
        if self.manifest is None:
            return "not in this installation"
        if self.ready:
            return f"ready, {self.ready.stat().st_size / 1e6:.0f} MB"
        return "made on first use" if self.base_here else f"fetched on first use, {self.member.base.size / 1e6:.0f} MB"


def member_named(name: str) -> Member:
    """Return the built-in model of that name.

    Raises:
        ModelError: naming those that there are.
    """
    if name not in FAMILY:
        raise ModelError(f"{name!r} is no built-in model", hint=f"the built-in models: {', '.join(FAMILY)}")
    return FAMILY[name]


def standing(member: Member) -> Standing:
    """Return where a model stands. Nothing is fetched or made."""
    try:
        manifest = suited(member, Manifest.read(member))
    except ModelError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        return Standing(member, None, None, base_here=False)
    path = merged_path(member, manifest)
    fetched = member.base.package is None
    here = cache.holds(cached_path(member.base), member.base.sha256) if fetched else base_path(member.base).is_file()
    return Standing(member, manifest, path if cache.is_intact(path) else None, here)


def facts(member: Member) -> dict[str, Any]:
    """Return what there is to know of a model, by name: base and sources, thresholds, hashes, figures, place."""
    stands, base = standing(member), member.base
    values: dict[str, Any] = {
        "model": member.name + (" (the default)" if member.name == DEFAULT else ""),
        "state": stands.told,
        "base": f"{base.title}, {base.licence}, {base.size / 1e6:.0f} MB",
        "base file": base.file,
        "base SHA-256": base.sha256,
        "base comes from": "; ".join(_sources(member)),
    }
    manifest = stands.manifest
    if manifest is not None:
        screen = manifest.screen
        values |= {
            "adapter SHA-256": manifest.adapter_sha256,
            "as run": f"merged, {manifest.format}",
            "threshold": manifest.threshold,
            "screen": f"{screen.model}, below {screen.threshold:g}" if screen else "none",
            "data SHA-256": manifest.data,
            **manifest.card,
        }
    if stands.ready:
        values["path"] = stands.ready
    return values


def remove(member: Member) -> list[Path]:
    """Remove a model's merged file and its fetched base from the cache; return what was removed."""
    removed = remove_merged(member) + forget_tuned_form(member)
    if member.base.package is None:
        removed += fetch.remove_fetched(cached_path(member.base))
    return removed


def _sources(member: Member) -> list[str]:
    base, found = member.base, []
    if base.package:
        found.append(f"the installed package {base.package.partition('==')[0]}")
    if base.repository:
        found.append(f"the hub, {base.repository}")
    if base.wheels:
        first, last = base.wheels.packages[0], base.wheels.packages[-1]
        found.append(f"a package index, {first} to {last} {base.wheels.version}")
    return found
