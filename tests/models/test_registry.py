from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_builtin import TOKENS, WIDTH, write_gguf

from srllm_cli.errors import ModelError
from srllm_cli.models import resolve

TENSORS = {"token_embd.weight": (TOKENS, WIDTH)}


def test_path_to_a_model_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", TENSORS)
    model = resolve(str(path))
    assert (model.path, model.name) == (path, str(path))


def test_id_changes_with_the_file(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", TENSORS)
    before = resolve(str(path)).id
    assert resolve(str(path)).id == before
    os.utime(path, ns=(1, 1))
    assert resolve(str(path)).id != before


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"unknown model 'bultin': did you mean builtin\?"):
        resolve("bultin")
    with pytest.raises(ModelError, match=r"unknown model 'builtin-larg': did you mean builtin-large\?"):
        resolve("builtin-larg")
    with pytest.raises(ModelError, match=r"unknown model 'gpt-9'$") as caught:
        resolve("gpt-9")
    assert "hf:owner/repo/file.gguf" in (caught.value.hint or "")


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    adapter = write_gguf(tmp_path / "lora.gguf", {"x.weight.lora_a": (2, 32)}, kind="adapter")
    dumb = write_gguf(tmp_path / "dumb.gguf", TENSORS, tokenizer=False)
    vocabulary = write_gguf(tmp_path / "vocab.gguf", {})
    projector = write_gguf(tmp_path / "mmproj.gguf", TENSORS, kind="mmproj")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(write_gguf(tmp_path / "whole.gguf", TENSORS).read_bytes()[:-1000])
    cases = {
        str(text): "not a GGUF",
        str(tmp_path): "a folder",
        str(tmp_path / "absent.gguf"): "no such file",
        str(adapter): "a LoRA adapter, not a model",
        str(dumb): "no tokenizer",
        str(vocabulary): "no weights",
        str(projector): "kind 'mmproj'",
        str(cut): "truncated",
    }
    for name, words in cases.items():
        with pytest.raises(ModelError, match=words) as caught:
            resolve(name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("architecture", "words"), [("bert", "writes none"), ("hal9000", "unknown architecture")])
def test_architectures_that_cannot_write_are_refused(architecture: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words):
        resolve(str(write_gguf(tmp_path / "m.gguf", TENSORS, architecture=architecture)))
