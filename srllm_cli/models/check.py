"""Is this GGUF a model that can write text? Asked before llama.cpp opens it, so that the answer is one clear line."""

from __future__ import annotations

from pathlib import Path

from srllm_cli.errors import ModelError
from srllm_convert.gguf_file import Header, check_gguf

#: Architectures accepted without a look at gguf's full list, whose import takes longer than all other checks.
_COMMON = frozenset({"llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "mistral3", "smollm3", "granite", "olmo2"})
#: Known to llama.cpp, but they read text and write none.
_WRITES_NO_TEXT = frozenset(
    {"bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert"}
    | {"clip", "t5encoder", "wavtokenizer-dec", "gemma-embedding"}
)
_HINT = "a model here is a GGUF for llama.cpp that can chat"


def check_model(path: Path) -> Header:
    """Check that a file is a whole GGUF of a text-writing model with its tokenizer; return its header.

    Raises:
        ModelError: when it is missing, no GGUF, truncated, an adapter or another kind, or an unknown architecture.
    """
    header = check_gguf(path)
    if header.kind == "adapter":
        hint = "merge it into its base: srllm merge, then srllm quantize"
        raise ModelError(f"{path}: a LoRA adapter, not a model", hint=hint)
    if header.kind != "model":
        raise ModelError(f"{path}: a GGUF of the kind {header.kind!r}, not a model", hint=_HINT)
    name = header.architecture
    if not name:
        raise ModelError(f"{path}: the GGUF names no architecture", hint=_HINT)
    if name in _WRITES_NO_TEXT:
        raise ModelError(f"{path}: a {name} model reads text and writes none", hint=_HINT)
    if name not in _COMMON and name not in _known():
        raise ModelError(f"{path}: unknown architecture {name!r}", hint="it may need a newer llama-cpp-python")
    if "tokenizer.ggml.tokens" not in header.fields:
        raise ModelError(f"{path}: the GGUF holds no tokenizer (a vocabulary-less or partial file)", hint=_HINT)
    if not header.tensors:
        raise ModelError(f"{path}: the GGUF holds a vocabulary and no weights", hint=_HINT)
    return header


def _known() -> set[str]:
    from gguf import MODEL_ARCH_NAMES

    return set(MODEL_ARCH_NAMES.values())
