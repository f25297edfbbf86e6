"""A real run on the small model: it learns, it checkpoints, it goes on after a kill."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from srllm_cli.errors import TrainingError
from srllm_cli.training.recipe import Recipe

pytestmark = pytest.mark.slow
pytest.importorskip("peft")

#: A run of some ten steps of 200 tokens.
TINY = dataclasses.replace(
    Recipe(), rank=4, alpha=8, passes=1, tokens_per_batch=256, max_tokens=96, checkpoint_steps=2, sentence_share=0.0
)


@pytest.fixture(scope="module")
def data(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = (root / "data" / "pairs" / "w1.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[:24]
    path = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.json"
    path.write_text(TINY.to_json(), encoding="utf-8")
    return path


def command(data: Path, recipe: Path, out: Path) -> list[str]:
    script = "from srllm_cli.cli import main; main()"
    return [sys.executable, "-c", script, "train", "--data", str(data), "--recipe", str(recipe), "--out", str(out)]


def losses(out: Path) -> dict[int, float]:
    """Return the logged loss of each step; the last entry of a step wins."""
    found = {}
    for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "loss" in entry:
            found[entry["step"]] = float(entry["loss"])
    return found


def weights(out: Path) -> bytes:
    return (out / "adapter" / "adapter_model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def finished(data: Path, recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "whole"
    subprocess.run(command(data, recipe_file, out), check=True, capture_output=True, timeout=600)
    return out


def test_a_run_leaves_an_adapter_its_recipe_and_a_log(finished: Path) -> None:
    recipe = json.loads((finished / "adapter" / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["rank"] == 4
    assert len(recipe["data"]) == 64
    assert weights(finished)
    assert losses(finished)


def test_a_killed_run_goes_on_and_ends_like_the_uninterrupted_one(
    finished: Path, data: Path, recipe_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    process = subprocess.Popen(command(data, recipe_file, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(out.glob("checkpoint-*/trainer_state.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "adapter").exists(), "the run was killed before its end"
    subprocess.run(command(data, recipe_file, out), check=True, capture_output=True, timeout=600)
    from safetensors.numpy import load_file

    one = load_file(finished / "adapter" / "adapter_model.safetensors")
    other = load_file(out / "adapter" / "adapter_model.safetensors")
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert abs(values - other[name]).max() < 1e-6, name


def test_a_folder_with_another_recipes_run_is_not_overwritten(finished: Path, data: Path, root: Path) -> None:
    from srllm_cli.training.pairs import read_pairs
    from srllm_cli.training.train import train

    with pytest.raises(TrainingError, match="another recipe or other data"):
        train(dataclasses.replace(TINY, rank=8), read_pairs([data]), finished)


def test_a_second_stage_goes_on_from_the_adapter_of_the_first(finished: Path, data: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    from srllm_cli.training.pairs import read_pairs
    from srllm_cli.training.train import train

    # A learning rate of nothing leaves what the first stage learnt.
    again = dataclasses.replace(TINY, start=str(finished / "adapter"), learning_rate=0.0)
    adapter = train(again, read_pairs([data]), tmp_path / "second")
    one = load_file(finished / "adapter" / "adapter_model.safetensors")
    other = load_file(adapter / "adapter_model.safetensors")
    assert one.keys() == other.keys()
    assert all(abs(values - other[name]).max() == 0 for name, values in one.items())
    assert any(abs(values).max() > 0 for name, values in other.items() if "lora_B" in name)


def test_a_second_stage_without_a_first_is_an_error(data: Path, tmp_path: Path) -> None:
    from srllm_cli.training.pairs import read_pairs
    from srllm_cli.training.train import train

    with pytest.raises(TrainingError, match="not an adapter to go on from"):
        train(dataclasses.replace(TINY, start=str(tmp_path / "none")), read_pairs([data]), tmp_path / "out")


def test_an_unknown_recipe_key_is_named() -> None:
    with pytest.raises(TrainingError, match="unknown recipe key 'epochs'"):
        Recipe.from_dict({"epochs": 3})


def test_a_recipe_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    recipe = dataclasses.replace(TINY, start="runs/first/adapter", shares=(("d01", 1.0), ("*", 0.25)))
    path.write_text(recipe.to_json(), encoding="utf-8")
    assert Recipe.read(path) == recipe
