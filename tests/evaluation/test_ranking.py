from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from srllm_cli.evaluation import ranking

# Few distinct scores, so that ties are common.
SCORED = st.lists(st.tuples(st.integers(0, 6).map(lambda n: n / 6), st.booleans()), min_size=2, max_size=40)


def split(scored: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [score for score, _ in scored], [label for _, label in scored]


def test_auc_of_a_hand_computed_example_with_a_tie() -> None:
    # Positives 0.9, 0.5; negatives 0.5, 0.1: wins 1, 1, half, 1 of four.
    assert ranking.auc([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0]) == 3.5 / 4


def test_auc_without_one_class_is_no_number() -> None:
    assert math.isnan(ranking.auc([0.1, 0.2], [1, 1]))
    assert math.isnan(ranking.auc([], []))


def test_constant_scores_rank_by_chance() -> None:
    assert ranking.auc([0.3] * 5, [1, 0, 0, 1, 0]) == 0.5
    assert ranking.average_precision([0.3] * 5, [1, 0, 0, 1, 0]) == pytest.approx(0.4)


def test_calibration_error_of_a_hand_computed_example() -> None:
    # One bin holds 0.92 and 0.94 with one positive: gap |0.93 - 0.5|. The other holds 0.1, negative: gap 0.1.
    assert ranking.calibration_error([0.92, 0.94, 0.1], [1, 0, 0], bins=10) == pytest.approx((2 * 0.43 + 0.1) / 3)


def test_brier_of_a_hand_computed_example() -> None:
    assert ranking.brier([1.0, 0.5], [1, 0]) == 0.125


def test_a_score_of_one_belongs_to_the_last_bin() -> None:
    assert ranking.calibration_error([1.0], [1]) == 0.0


@given(SCORED)
def test_auc_does_not_change_under_a_monotone_transformation(scored: list[tuple[float, bool]]) -> None:
    scores, labels = split(scored)
    assume(len(set(labels)) == 2)
    assert ranking.auc(scores, labels) == pytest.approx(ranking.auc([math.exp(3 * s) - 7 for s in scores], labels))


@given(SCORED)
def test_swapping_the_labels_mirrors_the_auc(scored: list[tuple[float, bool]]) -> None:
    scores, labels = split(scored)
    assume(len(set(labels)) == 2)
    assert ranking.auc(scores, [not label for label in labels]) == pytest.approx(1 - ranking.auc(scores, labels))


@given(SCORED)
def test_the_area_under_the_drawn_curve_is_the_auc(scored: list[tuple[float, bool]]) -> None:
    scores, labels = split(scored)
    assume(len(set(labels)) == 2)
    x, y = np.array(ranking.roc_curve(scores, labels)).T
    assert np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) == pytest.approx(ranking.auc(scores, labels))


@given(SCORED)
def test_ranking_figures_are_scikit_learns(scored: list[tuple[float, bool]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, labels = split(scored)
    assume(len(set(labels)) == 2)
    assert ranking.auc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert ranking.average_precision(scores, labels) == pytest.approx(metrics.average_precision_score(labels, scores))
    assert ranking.brier(scores, labels) == pytest.approx(metrics.brier_score_loss(labels, scores))


@given(SCORED, st.integers(0, 2**32 - 1))
def test_weights_count_like_repeated_texts(scored: list[tuple[float, bool]], seed: int) -> None:
    scores, labels = (np.array(column, dtype=float) for column in split(scored))
    weights = np.random.default_rng(seed).integers(0, 3, len(scores))
    assume(len(set(np.repeat(labels, weights))) == 2)
    repeated = np.repeat(scores, weights), np.repeat(labels, weights)
    for build, plain in (
        (ranking.auc_statistic, ranking.auc),
        (ranking.average_precision_statistic, ranking.average_precision),
        (ranking.calibration_statistic, ranking.calibration_error),
    ):
        assert build(scores, labels)(weights[None, :].astype(float))[0] == pytest.approx(plain(*repeated))
