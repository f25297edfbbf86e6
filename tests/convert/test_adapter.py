"""LoRA -> GGUF adapter -> merged GGUF, on tiny models: PEFT, llama.cpp's own LoRA and ``merge_gguf`` say the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from tiny_models import agreement, llama_logits, llama_tokens, save_model, torch_logits

from srllm_cli.debias.protocol import Protocol
from srllm_cli.errors import ModelError
from srllm_cli.models.check import check_model
from srllm_convert import quantize_command
from srllm_convert.adapter import convert_adapter
from srllm_convert.checkpoint import convert_checkpoint
from srllm_convert.geometry import geometry
from srllm_convert.gguf_file import check_gguf
from srllm_convert.merge_gguf import merge_gguf
from srllm_convert.metadata import Origin, StoredProtocol, read_protocol

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STORED = StoredProtocol(Protocol(), 0.4, Origin(data="abc", recipe={"rank": 4}, version="1"))


def save_adapter(model: Any, folder: Path, **settings: Any) -> Any:
    """Save a LoRA whose B is random (a fresh one's is zero, and would prove nothing); return the PEFT model."""
    import torch
    from peft import LoraConfig, get_peft_model

    config = {"r": 4, "lora_alpha": 12, "target_modules": MODULES, "task_type": "CAUSAL_LM", **settings}
    torch.manual_seed(3)
    tuned = get_peft_model(model, LoraConfig(**config))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
    tuned.save_pretrained(folder)
    return tuned.eval()


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("llama", {}),
        ("llama", {"use_rslora": True}),
        ("llama", {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"layers.1.mlp.up_proj": 40}}),
        ("qwen2", {}),
    ],
)
def test_three_ways_to_apply_an_adapter_agree(
    architecture: str, settings: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    model = save_model(tmp_path / "model", architecture, texts)
    convert_checkpoint(tmp_path / "model", tmp_path / "base.gguf", "F32")
    tuned = save_adapter(model, tmp_path / "adapter", **settings)
    convert_adapter(tmp_path / "adapter", tmp_path / "lora.gguf", geometry(tmp_path / "base.gguf"), type="F32")
    merge_gguf(tmp_path / "base.gguf", tmp_path / "lora.gguf", tmp_path / "merged.gguf", type="F32")

    tokens = [llama_tokens(tmp_path / "base.gguf", [" ".join(texts[:8])])[0][:200]]
    reference = torch_logits(tuned, tokens)
    loaded = llama_logits(tmp_path / "base.gguf", tokens, lora=tmp_path / "lora.gguf")
    merged = llama_logits(tmp_path / "merged.gguf", tokens)
    # Measured: 1e-5 of the logits' standard deviation; the adapter moves them by more than one.
    assert agreement(reference, loaded).scaled < 5e-5
    assert agreement(reference, merged).scaled < 5e-5
    assert agreement(reference, llama_logits(tmp_path / "base.gguf", tokens)).scaled > 0.5


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    """A folder with ``model``, ``base.gguf``, ``adapter`` and ``lora.gguf``."""
    folder = tmp_path_factory.mktemp("tuned")
    model = save_model(folder / "model", "llama", texts)
    convert_checkpoint(folder / "model", folder / "base.gguf", "F16")
    save_adapter(model, folder / "adapter")
    convert_adapter(folder / "adapter", folder / "lora.gguf", geometry(folder / "model"), type="Q8_0", stored=STORED)
    return folder


def test_adapter_blocks_are_q8_0_where_rows_allow(tuned: Path) -> None:
    header = check_gguf(tuned / "lora.gguf")
    kinds = {tensor.name: gguf.GGMLQuantizationType(tensor.type).name for tensor in header.tensors}
    assert kinds["blk.0.attn_q.weight.lora_a"] == "Q8_0"  # rows of 64
    assert kinds["blk.0.attn_q.weight.lora_b"] == "F16"  # rows of 4
    assert (header.kind, header.get("adapter.type"), header.get("adapter.lora.alpha")) == ("adapter", "lora", 12.0)


def test_merged_file_keeps_metadata_and_brings_the_adapters_protocol(tuned: Path, tmp_path: Path) -> None:
    merge_gguf(tuned / "base.gguf", tuned / "lora.gguf", tmp_path / "m.gguf", type="Q8_0")
    assert read_protocol(tmp_path / "m.gguf") == STORED
    base, merged = (check_gguf(path, arrays=True) for path in (tuned / "base.gguf", tmp_path / "m.gguf"))
    same = {key: value for key, value in base.fields.items() if key != "general.file_type"}
    assert {key: merged.fields[key] for key in same} == same
    other = STORED._replace(threshold=0.9)
    merge_gguf(tuned / "base.gguf", tuned / "lora.gguf", tmp_path / "n.gguf", stored=other)
    assert read_protocol(tmp_path / "n.gguf") == other


def test_merging_gives_the_same_bytes_and_tells_its_progress(tuned: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    merge_gguf(tuned / "base.gguf", tuned / "lora.gguf", tmp_path / "1.gguf", type="Q8_0", progress=shares.append)
    merge_gguf(tuned / "base.gguf", tuned / "lora.gguf", tmp_path / "2.gguf", type="Q8_0")
    assert (tmp_path / "1.gguf").read_bytes() == (tmp_path / "2.gguf").read_bytes()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_q8_0_is_as_near_as_ggufs_own() -> None:
    from srllm_convert.tensors import encode

    values = np.random.default_rng(1).normal(size=(64, 96)).astype(np.float32)
    values[3] = 0
    ours = encode(values, gguf.GGMLQuantizationType.Q8_0).reshape(64, -1)
    theirs = gguf.quantize(values, gguf.GGMLQuantizationType.Q8_0)
    assert np.array_equal(ours, theirs)


def test_weight_beyond_f16_is_an_error_not_infinity() -> None:
    from srllm_convert.tensors import encode

    with pytest.raises(ModelError, match="too large for F16"):
        encode(np.full((1, 32), 1e6, np.float32), gguf.GGMLQuantizationType.F16)


def test_adapter_of_another_base_is_refused(tuned: Path, tmp_path: Path, texts: list[str]) -> None:
    wide = save_model(tmp_path / "wide", "llama", texts, intermediate_size=192)
    assert wide is not None
    convert_checkpoint(tmp_path / "wide", tmp_path / "wide.gguf")
    save_model(tmp_path / "qwen", "qwen2", texts)
    convert_checkpoint(tmp_path / "qwen", tmp_path / "qwen.gguf")
    for base, told in (("wide.gguf", "another base"), ("qwen.gguf", "an adapter for llama")):
        with pytest.raises(ModelError, match=told):
            merge_gguf(tmp_path / base, tuned / "lora.gguf", tmp_path / "out.gguf")
    assert not list(tmp_path.glob("out*"))


def test_files_of_the_wrong_kind_are_refused(tuned: Path, tmp_path: Path) -> None:
    base, lora, out = tuned / "base.gguf", tuned / "lora.gguf", tmp_path / "out.gguf"
    with pytest.raises(ModelError, match="kind 'adapter', not a model"):
        merge_gguf(lora, lora, out)
    with pytest.raises(ModelError, match="not a LoRA adapter"):
        merge_gguf(base, base, out)
    with pytest.raises(ModelError, match="a LoRA adapter, not a model"):
        check_model(lora)
    with pytest.raises(ModelError, match="kind 'adapter'"):
        quantize_command(lora, out, "Q8_0")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(base.read_bytes()[:-5000])
    with pytest.raises(ModelError, match="truncated"):
        merge_gguf(cut, lora, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "kind PREFIX_TUNING"),
        ({"use_dora": True}, "cannot express use_dora"),
        ({"modules_to_save": ["lm_head"]}, "cannot express modules_to_save"),
        ({"bias": "all"}, "cannot hold biases"),
        ({"r": 8}, "has rank 4, its configuration says 8"),
    ],
)
def test_adapters_that_gguf_cannot_express_are_refused(
    tuned: Path, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    shutil.copytree(tuned / "adapter", tmp_path / "adapter")
    config = tmp_path / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **changes}))
    with pytest.raises(ModelError, match=told):
        quantize_command(tmp_path / "adapter", tmp_path / "out.gguf", "F16", base=tuned / "base.gguf")


def test_adapter_whose_base_nobody_names_is_refused(tuned: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no recipe says which base"):
        quantize_command(tuned / "adapter", tmp_path / "out.gguf", "F16")
    with pytest.raises(ModelError, match="not on this machine"):
        quantize_command(tuned / "adapter", tmp_path / "out.gguf", "F16", base=tmp_path / "absent.gguf")
