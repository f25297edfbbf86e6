"""Writes the built-in model's package data from a trained adapter: the GGUF adapter and its manifest.

Run by hand after a training run::

    python -m srllm_convert.package_builtin runs/builtin/adapter --threshold 0.42 --card figures.json

The same adapter, threshold and card give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srllm_cli.errors import ModelError, SrllmError
from srllm_cli.models.builtin import ADAPTER_FILE, DATA_FOLDER, MANIFEST_FILE, SMOLLM2, Manifest, smollm2_gguf
from srllm_convert.adapter import convert_adapter
from srllm_convert.files import sha256_of, whole_file
from srllm_convert.geometry import geometry
from srllm_convert.metadata import run_protocol
from srllm_convert.tensors import encoding

ADAPTER_TYPE = "Q8_0"
MODEL_FORMAT = "Q8_0"


def package_builtin(
    run_adapter: Path,
    *,
    threshold: float | None,
    card: Mapping[str, Any] | None = None,
    format: str = MODEL_FORMAT,
    out: Path = DATA_FOLDER,
) -> Manifest:
    """Write ``builtin-lora.gguf`` and ``builtin.json`` into ``out`` and return the manifest.

    ``run_adapter`` is the adapter folder of a run (with its ``recipe.json``); ``format`` is the type of the merged
    model in the user's cache (Q8_0, F16, BF16 or F32).

    Raises:
        ModelError: when the folder is no LoRA of the built-in model's base.
    """
    encoding(format)  # fails before anything is written
    base = smollm2_gguf()
    stored = run_protocol(run_adapter, threshold)
    if stored is None:
        raise ModelError(f"{run_adapter}: no recipe.json, so it cannot say what it was trained on")
    if stored.extras.recipe.get("base") != SMOLLM2:
        raise ModelError(f"{run_adapter}: trained on {stored.extras.recipe.get('base')!r}, not on {SMOLLM2!r}")
    out.mkdir(parents=True, exist_ok=True)
    adapter = out / ADAPTER_FILE
    # The threshold stays out of the adapter's own metadata: it can be set anew without new weights.
    convert_adapter(run_adapter, adapter, geometry(base), type=ADAPTER_TYPE, stored=stored._replace(threshold=None))
    manifest = Manifest(
        base_sha256=sha256_of(base),
        adapter_sha256=sha256_of(adapter),
        format=format,
        protocol=stored.protocol,
        threshold=threshold,
        data=stored.extras.data,
        recipe=stored.extras.recipe,
        card=card or {},
    )
    with whole_file(out / MANIFEST_FILE) as part:
        text = json.dumps(manifest.to_dict(), indent=2, ensure_ascii=False, sort_keys=True)
        part.write_text(text + "\n", encoding="utf-8")
    return manifest


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write the built-in model's package data from a trained adapter.")
    parser.add_argument("adapter", type=Path, help="the run's adapter folder")
    parser.add_argument("--threshold", type=float, help="score from which a passage counts as biased")
    parser.add_argument("--card", type=Path, help="JSON file with the measured figures")
    parser.add_argument("--format", default=MODEL_FORMAT, help="type of the merged model (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=DATA_FOLDER, help="folder to write to (default: the package's)")
    options = parser.parse_args()
    try:
        card = json.loads(options.card.read_text(encoding="utf-8")) if options.card else None
        manifest = package_builtin(
            options.adapter, threshold=options.threshold, card=card, format=options.format, out=options.out
        )
    except SrllmError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{options.out}: builtin-{manifest.key}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
