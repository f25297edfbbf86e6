"""Base model + PEFT adapter -> a dense Hugging Face checkpoint in safetensors, with tokenizer, template and recipe.

The sum is made in float32 and rounded once. Needs the extra ``[train]``; it knows no GGUF but as a base to load.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from srllm_cli.errors import SrllmError, TrainingError
from srllm_convert.metadata import RECIPE_FILE, read_recipe
from srllm_convert.tokenizer import TOKENIZER_FILE, pre_tokenizer_entry

ADAPTER_CONFIG = "adapter_config.json"
PARTIAL_SUFFIX = ".partial"
DTYPES = ("float16", "bfloat16", "float32")


def merge(adapter: Path, out: Path, base: str | None = None, *, dtype: str = "float16") -> Path:
    """Merge the adapter in the folder ``adapter`` into its base and return ``out``, the checkpoint's folder.

    ``base`` is a name that :func:`~srllm_cli.training.base_model.load_base` takes, by default the one in the adapter's
    recipe (else in its PEFT configuration). ``dtype`` is that of the saved weights. ``out`` appears only when it is
    whole: it is written as ``out.partial`` and renamed.

    Raises:
        TrainingError: when ``out`` is taken, the adapter is none, or it belongs to another base.
        ModelError: when the base cannot be loaded.
    """
    if dtype not in DTYPES:
        raise TrainingError(f"unknown dtype {dtype!r}", hint="one of " + ", ".join(DTYPES))
    config = _adapter_config(adapter)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} exists already", hint="choose another --out, or remove it")
    recipe = read_recipe(adapter)
    name = base or (recipe or {}).get("base") or config.get("base_model_name_or_path")
    if not name:
        raise TrainingError(f"{adapter}: nothing says which base it belongs to", hint="name it with --base")
    model, tokenizer = _merged(adapter, str(name), dtype)
    partial = out.with_name(out.name + PARTIAL_SUFFIX)
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        _name_cutting(partial, str(name))
        if recipe is not None:
            (partial / RECIPE_FILE).write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
        if out.exists():
            out.rmdir()  # empty, as was checked
        partial.replace(out)
    except OSError as error:
        raise TrainingError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _adapter_config(adapter: Path) -> dict[str, Any]:
    path = adapter / ADAPTER_CONFIG
    if not path.is_file():
        raise TrainingError(f"{adapter}: no {ADAPTER_CONFIG}, so not an adapter", hint="give the folder RUN/adapter")
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise TrainingError(f"{path}: not JSON: {error}") from error


def _merged(adapter: Path, name: str, dtype: str) -> tuple[Any, Any]:
    """Return (dense merged model in ``dtype``, tokenizer)."""
    import torch
    from peft import PeftModel
    from transformers.utils import logging

    from srllm_cli.training.base_model import load_base

    logging.disable_progress_bar()  # transformers draws one per step, whoever called it
    base, tokenizer = load_base(name, torch.float32)
    try:
        # peft reads adapter_model.safetensors where it is; an adapter with pickled weights only is not read at all
        if not (adapter / "adapter_model.safetensors").is_file():
            raise TrainingError(f"{adapter}: no adapter_model.safetensors", hint="pickled weights are never read")
        model = PeftModel.from_pretrained(base, adapter).merge_and_unload(safe_merge=True)
    except SrllmError:
        raise
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = next((line for line in lines if "size mismatch" in line), lines[0] if lines else type(error).__name__)
        raise TrainingError(
            f"{adapter} does not fit the base model {name!r}: {reason[:200]}", hint="name its own base with --base"
        ) from error
    model = model.to(getattr(torch, dtype))
    if not all(bool(torch.isfinite(weight).all()) for weight in model.parameters()):
        raise TrainingError(f"a merged weight is too large for {dtype}", hint="use bfloat16 or float32")
    model.config.use_cache = True  # training switches it off
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model, tokenizer


def _name_cutting(folder: Path, base: str) -> None:
    """Write the base GGUF's own way of cutting text into ``tokenizer.json``.

    transformers rebuilds a GGUF's tokenizer with GPT-2's cutting whatever the file says; the difference shows in rare
    digits only, but a converter tells models apart by it.
    """
    from srllm_cli.models.bases import base_file
    from srllm_convert.gguf_file import read_header

    source = base_file(base)
    if source.suffix != ".gguf":
        return
    entry = pre_tokenizer_entry(str(read_header(source).get("tokenizer.ggml.pre", "")))
    path = folder / TOKENIZER_FILE
    if entry is not None and path.is_file():
        tokenizer = json.loads(path.read_text(encoding="utf-8"))
        tokenizer["pre_tokenizer"] = entry
        path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
