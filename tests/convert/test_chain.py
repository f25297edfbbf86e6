"""The real chain on the built-in model's base: train a few steps, merge, convert, quantise; llama.cpp agrees.

Bounds are stated where they are asserted; what was measured stands beside them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import Logits, TinyRun, agreement, llama_logits, llama_tokens, torch_logits

from srllm_cli.debias.protocol import Protocol
from srllm_cli.errors import TrainingError
from srllm_cli.models.bases import base_path
from srllm_cli.models.check import check_model
from srllm_cli.models.family import SMOLLM2
from srllm_cli.training.examples import control_tokens, plain_tokens
from srllm_convert import quantize_command
from srllm_convert.gguf_file import check_gguf
from srllm_convert.merge_gguf import merge_gguf
from srllm_convert.metadata import read_protocol

pytestmark = pytest.mark.slow
PROMPTS = 6


@pytest.fixture(scope="module")
def converted(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes, once each: a type of the checkpoint; ``lora``, the adapter; ``merged TYPE``, base and adapter in NumPy."""
    folder = tmp_path_factory.mktemp("converted")

    def make(name: str) -> Path:
        path = folder / f"{name}.gguf"
        if path.exists():
            return path
        if name == "lora":
            return quantize_command(tiny_run.adapter, path, "F32", threshold=0.5)
        if name.startswith("merged "):
            merge_gguf(tiny_run.base, make("lora"), path, type=name.removeprefix("merged "))
            return path
        return quantize_command(tiny_run.merged, path, name, threshold=0.5, threads=2)

    return make


@pytest.fixture(scope="module")
def tokenizer(tiny_run: TinyRun) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_run.merged)


@pytest.fixture(scope="module")
def prompts(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Passages in the protocol's own prompt."""
    spoken = Protocol()
    prefix, suffix = control_tokens(tokenizer, spoken.prefix), control_tokens(tokenizer, spoken.suffix)
    return [[*prefix, *plain_tokens(tokenizer, text), *suffix] for text in texts[:PROMPTS]]


@pytest.fixture(scope="module")
def reference(tiny_run: TinyRun, prompts: list[list[int]]) -> Logits:
    """transformers' float32 logits of the merged checkpoint."""
    import torch
    from transformers import AutoModelForCausalLM

    return torch_logits(AutoModelForCausalLM.from_pretrained(tiny_run.merged, dtype=torch.float32), prompts)


def test_float32_conversion_is_exact(converted: Any, reference: Logits, prompts: list[list[int]]) -> None:
    found = agreement(reference, llama_logits(converted("F32"), prompts))
    assert found.scaled < 1e-4  # of the logits' standard deviation, 7.1; measured 2.3e-5
    assert found.divergence < 1e-5  # measured 4e-7, float32's own noise
    assert found.margin < 1e-3


@pytest.mark.parametrize("name", ["F16", "merged F16"])
def test_float16_agrees(name: str, converted: Any, reference: Logits, prompts: list[list[int]]) -> None:
    """The checkpoint's F16, and base and adapter merged in NumPy: the same weights, by two ways."""
    found = agreement(reference, llama_logits(converted(name), prompts))
    assert found.largest < 0.3  # logits; measured 0.088
    assert found.divergence < 3e-5  # measured 3e-6
    assert found.margin < 0.02  # measured 0.002
    assert found.sure == 1.0


@pytest.mark.parametrize("name", ["Q8_0", "merged Q8_0"])
def test_q8_0_agrees(name: str, converted: Any, reference: Logits, prompts: list[list[int]]) -> None:
    found = agreement(reference, llama_logits(converted(name), prompts))
    assert found.largest < 6.0  # logits; measured 2.7
    assert found.divergence < 0.02  # measured 0.006
    assert found.sure >= 0.99  # measured 1.0


def test_adapter_on_base_agrees(converted: Any, tiny_run: TinyRun, reference: Logits, prompts: list[list[int]]) -> None:
    """The base stays Q4_1 here, whose activations llama.cpp rounds to 8 bits: as near as Q8_0, not as F16."""
    found = agreement(reference, llama_logits(tiny_run.base, prompts, lora=converted("lora")))
    assert found.divergence < 0.02  # measured 0.005
    assert found.sure >= 0.99
    untuned = agreement(reference, llama_logits(tiny_run.base, prompts))
    assert untuned.divergence > 10 * found.divergence


def test_vocabulary_and_shapes_are_the_bases_own(converted: Any, tiny_run: TinyRun) -> None:
    base, ours = check_gguf(tiny_run.base, arrays=True), check_gguf(converted("F16"), arrays=True)
    for key in base.fields:
        if key.startswith(("tokenizer.", "llama.")):
            assert ours.get(key) == base.get(key), key
    assert {t.name: t.shape for t in ours.tensors} == {t.name: t.shape for t in base.tensors}


def test_protocol_travels_from_recipe_to_gguf(converted: Any, tiny_run: TinyRun) -> None:
    recipe = json.loads((tiny_run.merged / "recipe.json").read_text())
    for name in ("F16", "Q8_0", "lora", "merged Q8_0"):
        stored = read_protocol(converted(name))
        assert stored is not None
        assert (stored.protocol, stored.threshold, stored.extras.data) == (Protocol(), 0.5, recipe["data"])
        assert {**stored.extras.recipe, "data": stored.extras.data} == recipe
    check_model(converted("Q8_0"))


def test_checkpoint_is_dense_and_complete(tiny_run: TinyRun) -> None:
    names = {path.name for path in tiny_run.merged.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "recipe.json", "chat_template.jinja"} <= names
    assert "quantization_config" not in json.loads((tiny_run.merged / "config.json").read_text())


def test_tokens_agree(converted: Any, tokenizer: Any, texts: list[str]) -> None:
    spelled = [
        "<|im_end|>", "say <|im_start|>assistant\nunbiased<|im_end|> now", "<|endoftext|><repo_name>", "< |im_end|>",
        "<file_sep>x<issue_start>", "a\r\nb\t\tc   d\n\n\n", "１２３ 4½ №5 x² 2024",
        "naïve café — “quoted” ‘it’s’",
        "日本語 🙂👍🏽 עברית العربية", "\u200bzero\u00a0width\ufeff", "I'll we've DON'T it's", " lead and trail ",
    ]  # fmt: skip
    cases = [*texts, *spelled]
    ours = [plain_tokens(tokenizer, text) for text in cases]
    theirs = llama_tokens(converted("Q8_0"), cases)
    assert [text for text, one, other in zip(cases, ours, theirs, strict=True) if one != other] == []


def test_training_tokens_are_run_time_tokens(texts: list[str]) -> None:
    """The tokenizer that training reads out of the base GGUF cuts as llama.cpp does."""
    from transformers import AutoTokenizer

    base = base_path(SMOLLM2)
    tokenizer = AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    cases = [*texts, "<|im_start|>user\nhi<|im_end|>", "In 2024, 45 % of 1,234 <|im_end|>"]
    assert llama_tokens(base, cases) == [plain_tokens(tokenizer, text) for text in cases]


def test_merge_refuses_what_does_not_fit(tiny_run: TinyRun, tmp_path: Path) -> None:
    from tiny_models import save_model

    from srllm_cli.training.merge import merge

    save_model(tmp_path / "small", "llama", ["some text to make a tokenizer of"])
    with pytest.raises(TrainingError, match="does not fit the base model"):
        merge(tiny_run.adapter, tmp_path / "out", str(tmp_path / "small"))
    with pytest.raises(TrainingError, match="exists already"):
        merge(tiny_run.adapter, tiny_run.merged)
    with pytest.raises(TrainingError, match="not an adapter"):
        merge(tmp_path / "small", tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_conversion_needs_no_torch(tiny_run: TinyRun, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from srllm_convert import quantize_command;"
        f"quantize_command(Path({str(tiny_run.adapter)!r}), Path({str(tmp_path / 'a.gguf')!r}), 'Q8_0');"
        "from srllm_convert.merge_gguf import merge_gguf; import srllm_convert.checkpoint;"
        "print([name for name in ('torch', 'transformers', 'peft', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
