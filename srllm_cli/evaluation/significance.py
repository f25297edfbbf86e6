"""How sure a figure is, and whether two systems differ: bootstrap intervals and paired tests with effect sizes.

Pure numerics on arrays, vectorised over resamples, with a fixed seed: the same records always give the same interval.
Knows no text, no metric by name and no file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from srllm_cli.evaluation.ranking import Floats, Statistic

RESAMPLES = 1000
SEED = 20404
LEVEL = 0.95
#: Weights held in memory at once (8 bytes each): bounds the bootstrap of ten thousand texts to some 16 MB.
_CHUNK_WEIGHTS = 2_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, the bounds of its 95 % bootstrap interval, and the texts that it rests on."""

    value: float
    low: float
    high: float
    texts: int


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A two-sided test between two systems on the same texts; ``effect`` is named by ``effect_name``."""

    name: str
    statistic: float
    p_value: float
    effect: float
    effect_name: str


def bootstrap(statistic: Statistic, texts: int, *, resamples: int = RESAMPLES, seed: int = SEED) -> Figure | None:
    """Return the figure with its percentile interval (Efron and Tibshirani, 1993, chapter 13).

    Texts are drawn with replacement. Replicates without a value (a resample that misses a whole class) are left out of
    the interval. ``None`` when the figure itself has no value.
    """
    if not texts:
        return None
    value = float(statistic(np.ones((1, texts)))[0])
    if math.isnan(value):
        return None
    replicates = np.concatenate([statistic(weights) for weights in _resamples(texts, resamples, seed)])
    replicates = replicates[~np.isnan(replicates)]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail]) if replicates.size else (value, value)
    return Figure(value, float(low), float(high), texts)


def paired_bootstrap(
    before: Statistic, after: Statistic, texts: int, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Figure | None:
    """Return ``after`` minus ``before`` with its interval, both seen on the same resample of the same texts."""
    return bootstrap(lambda weights: after(weights) - before(weights), texts, resamples=resamples, seed=seed)


def mcnemar(before: ArrayLike, after: ArrayLike) -> PairedTest:
    """Exact McNemar test on two rows of yes and no (McNemar, 1947): a binomial test of the texts that changed sides.

    The statistic is the number of texts that got better; the effect is Cohen's g, the share of changes that are for
    the better minus one half (0: as many better as worse; 0.5: all better).
    """
    one, other = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    better, worse = int((~one & other).sum()), int((one & ~other).sum())
    changes = better + worse
    tail = sum(math.comb(changes, k) for k in range(min(better, worse) + 1)) / 2**changes
    effect = better / changes - 0.5 if changes else 0.0
    return PairedTest("McNemar", float(better), min(1.0, 2 * tail), effect, "Cohen's g")


def wilcoxon(before: ArrayLike, after: ArrayLike) -> PairedTest:
    """Wilcoxon signed-rank test (1945): zeros dropped, ties averaged, normal approximation, no continuity correction.

    The effect is the matched-pairs rank-biserial correlation (Kerby, 2014), in [-1, 1].
    """
    difference = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    difference = difference[difference != 0]
    count = len(difference)
    if not count:
        return PairedTest("Wilcoxon", 0.0, 1.0, 0.0, "rank-biserial r")
    ranks, tied = _average_ranks(np.abs(difference))
    up, down = float(ranks[difference > 0].sum()), float(ranks[difference < 0].sum())
    mean = count * (count + 1) / 4
    variance = count * (count + 1) * (2 * count + 1) / 24 - float((tied**3 - tied).sum()) / 48
    z = (min(up, down) - mean) / math.sqrt(variance)
    return PairedTest(
        "Wilcoxon", min(up, down), math.erfc(abs(z) / math.sqrt(2)), (up - down) / (up + down), "rank-biserial r"
    )


def paired_t(before: ArrayLike, after: ArrayLike) -> PairedTest:
    """Paired t-test (Student, 1908). The effect is Cohen's d of the differences: their mean in standard deviations."""
    difference = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    count = len(difference)
    spread = float(difference.std(ddof=1)) if count > 1 else 0.0
    mean = float(difference.mean()) if count else 0.0
    if spread == 0:
        return PairedTest("paired t", 0.0, 1.0 if mean == 0 else 0.0, 0.0, "Cohen's d")
    t = mean / (spread / math.sqrt(count))
    freedom = count - 1
    p_value = _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))
    return PairedTest("paired t", t, p_value, mean / spread, "Cohen's d")


def _resamples(texts: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield weights of shape (some resamples, texts): how often each text was drawn. The chunking does not show."""
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK_WEIGHTS // texts)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = generator.integers(texts, size=(rows, texts)) + np.arange(rows)[:, None] * texts
        yield np.bincount(drawn.ravel(), minlength=rows * texts).reshape(rows, texts).astype(np.float64)


def _average_ranks(values: Floats) -> tuple[Floats, Floats]:
    """Return ranks from 1 (ties share their mean rank) and the size of each group of ties."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    ranks = (last - (sizes - 1) / 2)[group]
    return ranks.astype(np.float64), sizes.astype(np.float64)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function by its continued fraction (Lentz's method; Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + step * d) or tiny)
            c = (1 + step / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value
