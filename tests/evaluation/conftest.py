"""Small texts and their outputs for the evaluation's tests: no model is loaded."""

from __future__ import annotations

import pytest
from eval_samples import biased, neutral
from hypothesis import settings

from srllm_cli.evaluation.figures import ScoredText, score_output
from srllm_cli.evaluation.systems import SystemOutput
from srllm_cli.evaluation.texts import EvalText

# The machine may be busy: a slow example is no failure.
settings.register_profile("evaluation", deadline=None)
settings.load_profile("evaluation")


@pytest.fixture
def texts() -> list[EvalText]:
    return [
        biased("b-1", "The chairman opened at 9.", "The chair opened at 9.", ["chairman"], ["opened", "9"]),
        biased("b-2", "Two pushy women won.", "Two women won.", ["pushy"], ["Two", "won"]),
        neutral("n-1", "The lock opens at 9."),
        neutral("n-2", "Two women won."),
    ]


@pytest.fixture
def outputs() -> dict[str, tuple[str, float | None]]:
    """Right on b-1, a fact lost on b-2, one neutral text changed."""
    return {
        "b-1": ("The chair opened at 9.", 0.9),
        "b-2": ("Women won.", 0.6),
        "n-1": ("The lock opens at 9.", 0.1),
        "n-2": ("Two people won.", 0.6),
    }


@pytest.fixture
def records(texts: list[EvalText], outputs: dict[str, tuple[str, float | None]]) -> list[ScoredText]:
    return [
        score_output(
            text, SystemOutput(outputs[text.id][0], outputs[text.id][1], outputs[text.id][0] != text.text), 0.5
        )
        for text in texts
    ]
