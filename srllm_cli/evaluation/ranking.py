"""How well scores separate biased from neutral texts, and how honest they are as probabilities.

Each function builds a *statistic*: a function from weights of shape (resamples, texts) to values of shape
(resamples,). Weights of one give the plain figure; the counts of a bootstrap resample give its replicate, so that a
thousand replicates cost one vectorised pass. Knows no text, no model and no file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Floats], Floats]

#: Equal-width bins of the calibration error (Guo et al., ICML 2017, section 2: 15 bins).
CALIBRATION_BINS = 15


def auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Return the area under the ROC curve: the probability that a positive outranks a negative, ties counting half.

    NaN when one of the classes is missing.
    """
    return _plain(auc_statistic(_floats(scores), _floats(positive)), _floats(scores))


def average_precision(scores: ArrayLike, positive: ArrayLike) -> float:
    """Return the sum of precision times the gain in recall over the distinct scores, highest first (no interpolation).

    NaN when there is no positive.
    """
    return _plain(average_precision_statistic(_floats(scores), _floats(positive)), _floats(scores))


def calibration_error(scores: ArrayLike, positive: ArrayLike, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error: the mean gap of score and share of positives, weighted over bins."""
    return _plain(calibration_statistic(_floats(scores), _floats(positive), bins), _floats(scores))


def brier(scores: ArrayLike, positive: ArrayLike) -> float:
    """Return the mean squared gap of score and label (Brier, 1950): 0 is perfect, 0.25 is a constant one half."""
    values = (_floats(scores) - _floats(positive)) ** 2
    return float(values.mean()) if values.size else float("nan")


def auc_statistic(scores: Floats, positive: Floats) -> Statistic:
    """AUC by the Mann-Whitney count over groups of tied scores, lowest first."""
    order, starts = _tie_groups(scores)
    labels = positive[order]

    def statistic(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        positives = np.add.reduceat(sorted_weights * labels, starts, axis=1)  # (resamples, groups)
        negatives = np.add.reduceat(sorted_weights * (1 - labels), starts, axis=1)
        below = np.cumsum(negatives, axis=1) - negatives
        wins = (positives * (below + negatives / 2)).sum(axis=1)
        return divide(wins, positives.sum(axis=1) * negatives.sum(axis=1))

    return statistic


def average_precision_statistic(scores: Floats, positive: Floats) -> Statistic:
    """Average precision over groups of tied scores, highest first (scikit-learn's definition)."""
    order, starts = _tie_groups(-scores)
    labels = positive[order]

    def statistic(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        positives = np.add.reduceat(sorted_weights * labels, starts, axis=1)  # (resamples, groups)
        everything = np.cumsum(np.add.reduceat(sorted_weights, starts, axis=1), axis=1)
        precision = divide(np.cumsum(positives, axis=1), everything, empty=0.0)
        return divide((positives * precision).sum(axis=1), positives.sum(axis=1))

    return statistic


def calibration_statistic(scores: Floats, positive: Floats, bins: int = CALIBRATION_BINS) -> Statistic:
    """Expected calibration error over equal-width bins of [0, 1]; a score of 1 belongs to the last bin."""
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    members = np.eye(bins)[place]  # (texts, bins)

    def statistic(weights: Floats) -> Floats:
        gaps = np.abs(weights @ (members * (scores - positive)[:, None]))  # (resamples, bins): |sum of score - label|
        return divide(gaps.sum(axis=1), weights.sum(axis=1))

    return statistic


def ratio_statistic(numerator: Floats, denominator: Floats) -> Statistic:
    """Sum over sum: a mean when the denominator is all ones, a micro-average when it holds counts."""

    def statistic(weights: Floats) -> Floats:
        return divide(weights @ numerator, weights @ denominator)

    return statistic


def divide(numerator: Floats, denominator: Floats, empty: float = float("nan")) -> Floats:
    """Divide elementwise; ``empty`` where the denominator is zero."""
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def roc_curve(scores: ArrayLike, positive: ArrayLike) -> list[tuple[float, float]]:
    """Return (false positive rate, true positive rate) from (0, 0) to (1, 1), one point a distinct score."""
    hits, alarms, labels = _cumulative(scores, positive)
    wanted, others = float(labels.sum()), float((1 - labels).sum())
    if not wanted or not others:
        return []
    return [(0.0, 0.0), *zip((alarms / others).tolist(), (hits / wanted).tolist(), strict=True)]


def precision_recall_curve(scores: ArrayLike, positive: ArrayLike) -> list[tuple[float, float]]:
    """Return (recall, precision), one point a distinct score, highest score first."""
    hits, alarms, labels = _cumulative(scores, positive)
    if not labels.sum():
        return []
    return list(zip((hits / labels.sum()).tolist(), (hits / (hits + alarms)).tolist(), strict=True))


def calibration_curve(scores: ArrayLike, positive: ArrayLike, bins: int = 10) -> list[tuple[float, float, int]]:
    """Return (mean score, share of positives, texts) of each bin that holds a text."""
    values, labels = _floats(scores), _floats(positive)
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    return [
        (float(values[place == b].mean()), float(labels[place == b].mean()), int((place == b).sum()))
        for b in np.unique(place)
    ]


def _cumulative(scores: ArrayLike, positive: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return positives and negatives at or above each distinct score, highest first, and the labels."""
    values, labels = _floats(scores), _floats(positive)
    if not values.size:
        return values, values, labels
    order, starts = _tie_groups(-values)
    hits = np.cumsum(np.add.reduceat(labels[order], starts))
    alarms = np.cumsum(np.add.reduceat(1 - labels[order], starts))
    return hits, alarms, labels


def _tie_groups(values: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ascending order of ``values`` and where, in that order, each run of equal values starts."""
    order = np.argsort(values, kind="stable").astype(np.int64)
    is_start = np.ones(len(values), dtype=bool)
    is_start[1:] = np.diff(values[order]) != 0
    return order, np.flatnonzero(is_start).astype(np.int64)


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _plain(statistic: Statistic, scores: Floats) -> float:
    return float(statistic(np.ones((1, len(scores))))[0]) if len(scores) else float("nan")
