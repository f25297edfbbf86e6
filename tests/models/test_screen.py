from __future__ import annotations

from pathlib import Path

import pytest

from srllm_cli.errors import ModelError
from srllm_cli.models.manifest import Screen
from srllm_cli.models.registry import ModelFile
from srllm_cli.models.screen import ScreenChoice, choose_screen

LARGE = ModelFile(Path("large.gguf"), "builtin-large", "id", Screen("builtin", 0.02, "hash"))
OWN = ModelFile(Path("mine.gguf"), "mine.gguf", "id")


@pytest.mark.parametrize(
    ("asked", "model", "chosen"),
    [
        (None, LARGE, ScreenChoice("builtin", 0.02)),
        ("builtin", LARGE, ScreenChoice("builtin", 0.02)),
        ("builtin@0.1", LARGE, ScreenChoice("builtin", 0.1)),
        ("none", LARGE, None),
        (None, OWN, None),
        ("none", OWN, None),
        ("builtin@0.05", OWN, ScreenChoice("builtin", 0.05)),
        ("hf:a/b@v1/c.gguf@0.5", OWN, ScreenChoice("hf:a/b@v1/c.gguf", 0.5)),
    ],
)
def test_screen_is_the_models_own_unless_another_is_asked_for(
    asked: str | None, model: ModelFile, chosen: ScreenChoice | None
) -> None:
    assert choose_screen(asked, model) == chosen


@pytest.mark.parametrize("asked", ["builtin", "hf:a/b@v1/c.gguf", "small.gguf"])
def test_pair_without_a_measured_threshold_needs_one(asked: str) -> None:
    with pytest.raises(ModelError, match=f"no threshold is known for {asked} to screen for mine.gguf") as caught:
        choose_screen(asked, OWN)
    assert f"--screen {asked}@0.05" in (caught.value.hint or "")


@pytest.mark.parametrize("number", ["1.5", "-1", "nan"])
def test_threshold_beyond_the_scores_is_refused(number: str) -> None:
    with pytest.raises(ModelError, match="from 0 to 1"):
        choose_screen(f"builtin@{number}", OWN)
