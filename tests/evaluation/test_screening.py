from __future__ import annotations

import random
from pathlib import Path

import pytest

from srllm_cli.errors import DataError
from srllm_cli.evaluation.screening import screening_threshold, validation_passages


def test_no_finding_is_lost_where_half_a_per_cent_is_less_than_one() -> None:
    found = screening_threshold([0.01, 0.2, 0.1, 0.6], [0.9, 0.1, 0.7, 0.9], 0.5)
    assert (found.threshold, found.findings, found.lost, found.passed_over) == (0.01, 3, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_threshold_is_the_highest_that_loses_at_most_the_share(seed: int) -> None:
    chooser = random.Random(seed)
    small = [chooser.random() for _ in range(2000)]
    large = [chooser.random() for _ in small]
    found = screening_threshold(small, large, 0.5, most_lost=0.005)
    findings = [score for score, verdict in zip(small, large, strict=True) if verdict >= 0.5]
    assert found.lost <= 0.005 * len(findings)
    higher = sum(score < found.threshold + 0.01 for score in findings)
    assert higher > 0.005 * len(findings)
    assert found.passed_over == sum(score < found.threshold for score in small)


def test_equal_scores_are_lost_together_or_not_at_all() -> None:
    assert screening_threshold([0.3] * 400, [0.9] * 400, 0.5).lost == 0


def test_no_finding_gives_no_threshold() -> None:
    with pytest.raises(DataError, match="finds nothing"):
        screening_threshold([0.1], [0.1], 0.5)


def test_passages_are_the_validation_splits(root: Path) -> None:
    texts = validation_passages([root / "data" / "pairs"])
    assert len(texts) >= 539
    assert all(text.strip() for text in texts)
