"""One small training run and its conversions, made once a session; texts to compare runtimes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import TinyRun

from srllm_cli.models.bases import base_path
from srllm_cli.models.family import SMOLLM2
from srllm_cli.training.pairs import Pair, read_pairs

RUN_PAIRS = 80


@pytest.fixture(scope="session")
def pairs(root: Path) -> list[Pair]:
    return read_pairs([root / "data" / "pairs" / "c05.jsonl", root / "data" / "pairs" / "w1.jsonl"])


@pytest.fixture(scope="session")
def texts(pairs: list[Pair]) -> list[str]:
    """Three hundred texts, biased and debiased."""
    return [text for pair in pairs[:150] for text in (pair.biased_text, pair.debiased_text)]


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, pairs: list[Pair]) -> TinyRun:
    from srllm_cli.training.merge import merge
    from srllm_cli.training.recipe import Recipe
    from srllm_cli.training.train import train

    folder = tmp_path_factory.mktemp("run")
    # The learning rate is far too high for a good model, and right for an adapter that visibly changes its base.
    recipe = Recipe(rank=4, alpha=8, passes=1, tokens_per_batch=256, max_tokens=128, learning_rate=5e-3, twin_share=0.0)
    short = sorted(pairs, key=lambda pair: len(pair.biased_text))[:RUN_PAIRS]
    adapter = train(recipe, short[::8], folder / "run")
    merged = merge(adapter, folder / "merged", dtype="float32")
    return TinyRun(adapter, base_path(SMOLLM2), merged)
