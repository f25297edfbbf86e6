"""A base model by name or path: weights and tokenizer for training, from a GGUF, a Hugging Face folder or the hub."""

from __future__ import annotations

import warnings
from typing import Any

from srllm_cli.errors import ModelError
from srllm_cli.models.bases import base_file


def load_base(name: str, dtype: Any) -> tuple[Any, Any]:
    """Return (model, tokenizer) of a base model, dense weights in ``dtype``.

    ``name`` is that of a built-in model's base (``smollm2``, ``qwen2.5-coder-0.5b``), a ``.gguf`` file, a folder with a
    Hugging Face checkpoint, or a hub id.

    Raises:
        ModelError: when it cannot be found or read.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging as transformers_logging

    # Its bars and notices would stand between this tool's own lines; errors are raised.
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    path = base_file(name)
    try:
        if path.suffix == ".gguf":
            if not path.is_file():
                raise ModelError(f"{path}: no such file")
            folder, file = str(path.parent), path.name
            tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
            packed = AutoModelForCausalLM.from_pretrained(
                folder, gguf_file=file, quantization_config=GgufConfig(dequantize=True), dtype=dtype
            )
            return dense_copy(packed, dtype), tokenizer
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, trust_remote_code=False, use_safetensors=True)
        return model, tokenizer
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"cannot load the base model {name!r}: {reason}") from error


def dense_copy(model: Any, dtype: Any) -> Any:
    """Return the same model without its quantisation configuration, so that it saves as an ordinary checkpoint."""
    from transformers import AutoModelForCausalLM

    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    dense = AutoModelForCausalLM.from_config(config, dtype=dtype)
    dense.load_state_dict(model.state_dict())
    return dense
