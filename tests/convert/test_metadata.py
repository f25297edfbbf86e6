from __future__ import annotations

import json
from pathlib import Path

import gguf
import pytest

from srllm_cli.debias.protocol import Protocol
from srllm_cli.errors import ModelError
from srllm_convert.metadata import Origin, StoredProtocol, parse_protocol, read_protocol, run_protocol, write_protocol

STORED = StoredProtocol(
    Protocol("plain", "<|im_start|>system\nBe fair.<|im_end|>\n<|im_start|>user\n", "<|im_end|>\n", "<|im_end|>"),
    0.37,
    Origin("Be fair.", "abc", {"rank": 4, "loss_weights": {"edit": 2.0}}, "0.1.0"),
)


def written(path: Path, stored: StoredProtocol | None) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    if stored:
        write_protocol(writer, stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_protocol_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_protocol(written(tmp_path / "m.gguf", STORED)) == STORED


def test_empty_texts_and_no_threshold_come_back(tmp_path: Path) -> None:
    stored = StoredProtocol(Protocol(prefix=""), None, Origin(version="1"))
    assert read_protocol(written(tmp_path / "m.gguf", stored)) == stored


def test_other_models_have_no_protocol(tmp_path: Path) -> None:
    assert read_protocol(written(tmp_path / "m.gguf", None)) is None
    assert parse_protocol({"general.name": "x"}) is None


def test_protocol_is_read_from_llama_cpps_strings() -> None:
    strings = {
        "srllm.protocol": "verdict", "srllm.prompt_prefix": "A", "srllm.prompt_suffix": "B", "srllm.end": "C",
        "srllm.threshold": "0.370000",
    }  # fmt: skip
    assert parse_protocol(strings) == StoredProtocol(Protocol("verdict", "A", "B", "C"), 0.37, Origin())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"srllm.protocol": "poem"}, "unknown protocol 'poem'"),
        ({"srllm.end": None}, "srllm.end is missing"),
        ({"srllm.threshold": "high"}, "cannot be read"),
        ({"srllm.recipe": "{"}, "cannot be read"),
    ],
)
def test_broken_keys_are_named(change: dict[str, str | None], told: str) -> None:
    values: dict[str, str | None] = {
        "srllm.protocol": "verdict", "srllm.prompt_prefix": "A", "srllm.prompt_suffix": "B", "srllm.end": "C",
    }  # fmt: skip
    with pytest.raises(ModelError, match=told):
        parse_protocol({key: value for key, value in {**values, **change}.items() if value is not None}, "m.gguf")


def test_checkpoint_of_a_run_takes_the_runs_recipe(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-7").mkdir()
    assert run_protocol(tmp_path / "checkpoint-7") is None
    (tmp_path / "recipe.json").write_text(json.dumps({"protocol": "plain", "rank": 2, "data": "f00"}))
    stored = run_protocol(tmp_path / "checkpoint-7", 0.5)
    assert stored == StoredProtocol(Protocol("plain"), 0.5, Origin(data="f00", recipe={"protocol": "plain", "rank": 2}))
