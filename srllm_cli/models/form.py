"""In which type a built-in model is kept on this machine: the fastest that loses nothing.

A rule by the processor, and what ``srllm models tune`` measured here, which goes before it. It makes and runs no model.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from srllm_cli.models import cache
from srllm_cli.models.family import Member
from srllm_cli.models.manifest import Manifest

_CPU_INFO = Path("/proc/cpuinfo")


def suited(member: Member, manifest: Manifest) -> Manifest:
    """Return the manifest with the type in which this machine keeps the model."""
    rule = form_for(cpu_flags(), manifest.format) if member.bf16 else manifest.format
    return replace(manifest, format=tuned_form(member, manifest) or rule)


def form_for(flags: frozenset[str], published: str) -> str:
    """Return the type for a processor with these flags; ``published`` is the one that the model's figures are for.

    llama.cpp multiplies bfloat16 with ``avx512_bf16``, which is faster than Q8_0 on 32-bit sums and rounds no
    activation to 8 bits. A processor with AMX multiplies int8 in tiles; which is faster there is not measured, so it
    stays with what was published, as does every machine whose processor cannot be told.
    """
    if published == "Q8_0" and "avx512_bf16" in flags and "amx_int8" not in flags:
        return "BF16"
    return published


def cpu_flags(info: Path = _CPU_INFO) -> frozenset[str]:
    """Return the features that Linux lists of the processor; none on other systems."""
    try:
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    listed = (line.partition(":") for line in lines)
    return next(
        (frozenset(rest.split()) for key, _, rest in listed if key.strip() in ("flags", "Features")), frozenset()
    )


def tuned_form(member: Member, manifest: Manifest) -> str | None:
    """Return the type that was measured to be best for this adapter on this machine; ``None`` when none was."""
    try:
        adapter, _, form = _choice_path(member).read_text(encoding="utf-8").strip().partition(" ")
    except OSError:
        return None
    return form if form and adapter == manifest.adapter_sha256 else None


def keep_tuned_form(member: Member, manifest: Manifest, form: str) -> None:
    """Keep the model in this type from now on.

    Raises:
        CacheError: when the cache cannot be written.
    """
    path = _choice_path(member)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{manifest.adapter_sha256} {form}\n", encoding="utf-8")
    except OSError as error:
        raise cache.cache_error(path.parent, error) from error


def forget_tuned_form(member: Member) -> list[Path]:
    """Go back to the rule; return what was removed."""
    path = _choice_path(member)
    if not path.exists():
        return []
    with suppress(OSError):  # as everything in the cache: what cannot be removed stays
        path.unlink()
    return [path]


def _choice_path(member: Member) -> Path:
    return cache.models_folder() / f"{member.name}.form"
