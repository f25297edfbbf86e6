"""Writes a built-in model's package data from a trained adapter: the GGUF adapter and its manifest.

Run by hand after a training run::

    python -m srllm_convert.package_builtin runs/builtin/adapter --name builtin --threshold 0.42 --card figures.json

The same adapter, thresholds and card give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srllm_cli.errors import ModelError, SrllmError
from srllm_cli.models.bases import base_path
from srllm_cli.models.family import FAMILY, Member
from srllm_cli.models.manifest import DATA_FOLDER, Manifest, Screen, adapter_path
from srllm_convert.adapter import convert_adapter
from srllm_convert.files import sha256_of, whole_file
from srllm_convert.geometry import geometry
from srllm_convert.metadata import run_protocol
from srllm_convert.quantize import type_name

ADAPTER_TYPE = "Q8_0"
MODEL_FORMAT = "Q8_0"


def package_builtin(
    run_adapter: Path,
    member: Member,
    *,
    threshold: float | None,
    screen_threshold: float | None = None,
    card: Mapping[str, Any] | None = None,
    format: str = MODEL_FORMAT,
    out: Path = DATA_FOLDER,
) -> Manifest:
    """Write a built-in model's adapter and manifest into ``out`` and return the manifest.

    ``run_adapter`` is the adapter folder of a run (with its ``recipe.json``); ``format`` is the type of the merged
    model in the user's cache (any that ``srllm quantize`` writes). ``screen_threshold`` is the score of the model that
    screens for this one, below which a passage is not shown to it; ``None``: nothing screens.

    Raises:
        ModelError: when the folder is no LoRA of the built-in model's base.
    """
    format = type_name(format)  # fails before anything is written
    screen = None if screen_threshold is None else _screen(member, screen_threshold)
    stored = run_protocol(run_adapter, threshold)
    if stored is None:
        raise ModelError(f"{run_adapter}: no recipe.json, so it cannot say what it was trained on")
    if stored.extras.recipe.get("base") != member.base.name:
        raise ModelError(
            f"{run_adapter}: trained on {stored.extras.recipe.get('base')!r}, not on {member.base.name!r}",
            hint="name another built-in model with --name",
        )
    base = base_path(member.base)
    out.mkdir(parents=True, exist_ok=True)
    adapter = adapter_path(member, out)
    # The threshold stays out of the adapter's own metadata: it can be set anew without new weights.
    convert_adapter(run_adapter, adapter, geometry(base), type=ADAPTER_TYPE, stored=stored._replace(threshold=None))
    manifest = Manifest(
        base_sha256=sha256_of(base),
        adapter_sha256=sha256_of(adapter),
        format=format,
        protocol=stored.protocol,
        threshold=threshold,
        screen=screen,
        data=stored.extras.data,
        recipe=stored.extras.recipe,
        card=card or {},
    )
    with whole_file(out / member.manifest_file) as part:
        text = json.dumps(manifest.to_dict(), indent=2, ensure_ascii=False, sort_keys=True)
        part.write_text(text + "\n", encoding="utf-8")
    return manifest


def _screen(member: Member, threshold: float) -> Screen:
    """Return the screen with the adapter that the package holds for it now, for which its threshold was measured."""
    if member.screen is None:
        raise ModelError(f"no model screens for {member.name}", hint="leave --screen-threshold out")
    return Screen(member.screen, threshold, Manifest.read(FAMILY[member.screen]).adapter_sha256)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write a built-in model's package data from a trained adapter.")
    parser.add_argument("adapter", type=Path, help="the run's adapter folder")
    parser.add_argument("--name", choices=tuple(FAMILY), required=True, help="which built-in model it becomes")
    parser.add_argument("--threshold", type=float, help="score from which a passage counts as biased")
    parser.add_argument(
        "--screen-threshold", type=float, help="score of the screening model below which a passage is passed over"
    )
    parser.add_argument("--card", type=Path, help="JSON file with the measured figures")
    parser.add_argument("--format", default=MODEL_FORMAT, help="type of the merged model (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=DATA_FOLDER, help="folder to write to (default: the package's)")
    options = parser.parse_args()
    try:
        card = json.loads(options.card.read_text(encoding="utf-8")) if options.card else None
        manifest = package_builtin(
            options.adapter,
            FAMILY[options.name],
            threshold=options.threshold,
            screen_threshold=options.screen_threshold,
            card=card,
            format=options.format,
            out=options.out,
        )
    except SrllmError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{options.out}: {options.name}-{manifest.key}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
