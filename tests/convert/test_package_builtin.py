"""A trained adapter to a built-in model's package data, on a base of one layer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from srllm_cli.errors import ModelError
from srllm_cli.models.family import FAMILY, Base, Member
from srllm_cli.models.manifest import Manifest, adapter_path
from srllm_convert.files import sha256_of
from srllm_convert.gguf_file import check_gguf
from srllm_convert.package_builtin import package_builtin

WIDTH, RANK = 64, 32


@pytest.fixture
def member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Member:
    """A built-in model whose base lies in the cache, as one that was fetched does."""
    monkeypatch.setenv("SRLLM_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "cache" / "bases" / "small.gguf"
    path.parent.mkdir(parents=True)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_block_count(1)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_tensor("blk.0.attn_q.weight", np.zeros((WIDTH, WIDTH), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    base = Base("small-base", "Small", path.name, path.stat().st_size, sha256_of(path), "CC0")
    return Member("builtin-small", base, screen="builtin")


@pytest.fixture
def run_adapter(tmp_path: Path) -> Path:
    from safetensors.numpy import save_file

    folder = tmp_path / "run" / "adapter"
    folder.mkdir(parents=True)
    chooser = np.random.default_rng(1)
    halves = {"lora_A": (RANK, WIDTH), "lora_B": (WIDTH, RANK)}
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors = {f"{module}.{half}.weight": chooser.normal(size=shape).astype("f4") for half, shape in halves.items()}
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": RANK, "lora_alpha": 64}))
    write_recipe(folder)
    return folder


def write_recipe(folder: Path, **changes: Any) -> None:
    recipe = {"base": "small-base", "protocol": "verdict", "rank": RANK, "data": "abc", **changes}
    (folder.parent / "recipe.json").write_text(json.dumps(recipe))


def test_manifest_and_adapter_say_what_they_are_made_of(member: Member, run_adapter: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    made = package_builtin(run_adapter, member, threshold=0.6, screen_threshold=0.02, card={"AUC": 0.9}, out=out)
    assert Manifest.read(member, out) == made
    assert (made.threshold, made.data, made.recipe["base"], made.card) == (0.6, "abc", "small-base", {"AUC": 0.9})
    assert made.base_sha256 == member.base.sha256
    adapter = adapter_path(member, out)
    assert made.adapter_sha256 == sha256_of(adapter)
    assert {gguf.GGMLQuantizationType(tensor.type).name for tensor in check_gguf(adapter).tensors} == {"Q8_0"}
    assert made.screen is not None
    assert made.screen.adapter_sha256 == Manifest.read(FAMILY["builtin"]).adapter_sha256


def test_screen_and_card_leave_the_merged_file_as_it_is_and_the_threshold_does_not(
    member: Member, run_adapter: Path, tmp_path: Path
) -> None:
    one = package_builtin(run_adapter, member, threshold=0.6, out=tmp_path / "1")
    two = package_builtin(run_adapter, member, threshold=0.6, screen_threshold=0.02, card={"a": 1}, out=tmp_path / "2")
    other = package_builtin(run_adapter, member, threshold=0.5, out=tmp_path / "3")
    assert one.key == two.key != other.key
    assert one.adapter_sha256 == other.adapter_sha256


def test_what_does_not_fit_is_refused(member: Member, run_adapter: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    with pytest.raises(ModelError, match="no model screens for builtin"):
        package_builtin(run_adapter, FAMILY["builtin"], threshold=0.6, screen_threshold=0.1, out=out)
    with pytest.raises(ModelError, match="unknown type 'Q9_0'"):
        package_builtin(run_adapter, member, threshold=0.6, format="Q9_0", out=out)
    write_recipe(run_adapter, base="smollm2")
    with pytest.raises(ModelError, match="trained on 'smollm2', not on 'small-base'"):
        package_builtin(run_adapter, member, threshold=0.6, out=out)
    assert not out.exists()


def test_command_line_names_the_model_it_makes(run_adapter: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "srllm_convert.package_builtin", str(run_adapter), "--out", str(tmp_path / "data")]
    done = subprocess.run([*command, "--name", "builtin-large"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "trained on 'small-base', not on 'qwen2.5-coder-0.5b'" in done.stderr
