"""Checkpoint -> GGUF, both architectures and their variants: llama.cpp's logits are those of transformers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_models import agreement, llama_logits, llama_tokens, save_model, torch_logits

from srllm_cli.errors import ModelError
from srllm_cli.models.check import check_model
from srllm_convert import quantize_command
from srllm_convert.checkpoint import convert_checkpoint

LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama, grouped keys, untied": ("llama", {"tie_word_embeddings": False}),
    "llama, tied": ("llama", {"tie_word_embeddings": True, "num_key_value_heads": 4}),
    "llama, biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama, head size of its own": ("llama", {"head_dim": 32}),
    "llama, llama3 rotary scaling": ("llama", {"rope_parameters": LLAMA3}),
    "llama, linear rotary scaling": (
        "llama",
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}},
    ),
    "qwen2, tied": ("qwen2", {"tie_word_embeddings": True}),
    "qwen2, untied": ("qwen2", {"tie_word_embeddings": False, "rope_theta": 1000000.0}),
}
#: Type -> (largest difference over the logits' standard deviation, mean KL divergence in nats). Measured over the
#: variants: F32 at most 1.5e-5 and 4e-8, F16 0.013 and 2e-6, BF16 0.11 and 1.2e-4, Q8_0 0.40 and 1.3e-3 (llama.cpp
#: rounds activations to the weights' type). F32 is what proves the conversion.
BOUNDS = {"F32": (5e-5, 1e-6), "F16": (0.03, 1e-5), "BF16": (0.25, 5e-4), "Q8_0": (0.8, 4e-3)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_agree(variant: str, tmp_path: Path, texts: list[str]) -> None:
    architecture, settings = VARIANTS[variant]
    model = save_model(tmp_path / "model", architecture, texts, **settings)
    convert_checkpoint(tmp_path / "model", tmp_path / "F32.gguf", "F32")
    tokens = [ids[:200] for ids in llama_tokens(tmp_path / "F32.gguf", [" ".join(texts[:8]), " ".join(texts[8:16])])]
    reference = torch_logits(model, tokens)
    for kind, (scaled, divergence) in BOUNDS.items():
        path = tmp_path / f"{kind}.gguf"
        convert_checkpoint(tmp_path / "model", path, kind)
        found = agreement(reference, llama_logits(path, tokens))
        assert found.scaled < scaled
        assert found.divergence < divergence
        # Where the first choices differ, they were all but tied.
        assert found.margin <= 2 * found.largest
    assert check_model(path).architecture == architecture


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_tokens_agree_for_texts_and_spelled_control_tokens(architecture: str, tmp_path: Path, texts: list[str]) -> None:
    from transformers import AutoTokenizer

    save_model(tmp_path / "model", architecture, texts)
    convert_checkpoint(tmp_path / "model", tmp_path / "m.gguf")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    cases = [*texts, "<|im_start|>user\nhi<|im_end|>", "Café №1½ in 2024's  \t\n\n  end ", "日本語 and 🙂 it'll"]
    ours = [tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"] for text in cases]
    assert llama_tokens(tmp_path / "m.gguf", cases) == ours


def test_conversion_is_deterministic_and_shards_are_read(tmp_path: Path, texts: list[str]) -> None:
    model = save_model(tmp_path / "model", "llama", texts)
    convert_checkpoint(tmp_path / "model", tmp_path / "one.gguf")
    convert_checkpoint(tmp_path / "model", tmp_path / "two.gguf")
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()
    (tmp_path / "model" / "model.safetensors").unlink()
    model.save_pretrained(tmp_path / "model", max_shard_size="100KB")
    assert len(list((tmp_path / "model").glob("*.safetensors"))) > 1
    convert_checkpoint(tmp_path / "model", tmp_path / "three.gguf")
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "three.gguf").read_bytes()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "model"
    save_model(folder, "llama", texts)
    return folder


def edited(folder: Path, file: str, **changes: Any) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("file", "changes", "told"),
    [
        ("config.json", {"architectures": ["MambaForCausalLM"]}, "MambaForCausalLM is not supported"),
        ("config.json", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "rotary scaling 'yarn'"),
        ("config.json", {"quantization_config": {"bits": 4}}, "the checkpoint is quantised"),
        ("config.json", {"num_hidden_layers": 3}, "lacks blk.2.attn_norm.weight"),
        ("config.json", {"num_hidden_layers": 1}, "belongs to no llama model of 1 layers"),
        ("tokenizer.json", {"model": {"type": "Unigram", "vocab": []}}, "not a byte-level BPE"),
        ("tokenizer.json", {"pre_tokenizer": {"type": "Whitespace"}}, "pre-tokenizer .* is not supported"),
        ("tokenizer.json", {"added_tokens": [{"id": 9999, "content": "<x>"}]}, "token 9999 has no row"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    sound: Path, tmp_path: Path, file: str, changes: dict[str, Any], told: str
) -> None:
    shutil.copytree(sound, tmp_path / "model")
    edited(tmp_path / "model", file, **changes)
    with pytest.raises(ModelError, match=told):
        quantize_command(tmp_path / "model", tmp_path / "out.gguf", "F16")
    assert not list(tmp_path.glob("out*"))


def test_missing_and_broken_files_are_named(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(sound, folder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-100])
    with pytest.raises(ModelError, match="truncated"):
        quantize_command(folder, tmp_path / "out.gguf", "F16")
    (folder / "model.safetensors").write_bytes(b"pickle?")
    with pytest.raises(ModelError, match="not a safetensors file"):
        quantize_command(folder, tmp_path / "out.gguf", "F16")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        quantize_command(folder, tmp_path / "out.gguf", "F16")
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match="neither a Hugging Face checkpoint nor"):
        quantize_command(folder, tmp_path / "out.gguf", "F16")
