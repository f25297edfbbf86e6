from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.evaluation import significance
from srllm_cli.evaluation.ranking import ratio_statistic

PAIRED = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=30)


def mean_statistic(values: list[float]):
    return ratio_statistic(np.array(values, dtype=float), np.ones(len(values)))


def test_interval_of_a_share_is_about_its_normal_approximation() -> None:
    figure = significance.bootstrap(mean_statistic([1.0] * 300 + [0.0] * 100), 400)
    assert figure is not None
    assert figure.value == 0.75
    assert figure.low == pytest.approx(0.75 - 1.96 * 0.02165, abs=0.006)
    assert figure.high == pytest.approx(0.75 + 1.96 * 0.02165, abs=0.006)


def test_the_same_records_give_the_same_interval() -> None:
    values = [0.0, 1.0, 1.0, 0.5] * 10
    assert significance.bootstrap(mean_statistic(values), 40) == significance.bootstrap(mean_statistic(values), 40)


def test_chunking_does_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [0.0, 1.0, 1.0, 0.5] * 10
    whole = significance.bootstrap(mean_statistic(values), 40)
    monkeypatch.setattr(significance, "_CHUNK_WEIGHTS", 130)
    assert significance.bootstrap(mean_statistic(values), 40) == whole


def test_no_texts_give_no_figure() -> None:
    assert significance.bootstrap(mean_statistic([]), 0) is None


def test_difference_to_itself_is_zero_with_an_empty_interval() -> None:
    statistic = mean_statistic([0.0, 1.0, 1.0, 0.5])
    figure = significance.paired_bootstrap(statistic, statistic, 4)
    assert figure is not None
    assert (figure.value, figure.low, figure.high) == (0.0, 0.0, 0.0)


def test_mcnemar_of_a_hand_computed_example() -> None:
    # Five changed sides, all for the better: p = 2 / 2**5.
    result = significance.mcnemar([False] * 5 + [True] * 3, [True] * 8)
    assert result.p_value == 2 / 32
    assert result.effect == 0.5


def test_systems_that_agree_everywhere_do_not_differ() -> None:
    same = [1.0, 0.0, 3.0]
    assert significance.mcnemar(same, same).p_value == 1.0
    assert significance.wilcoxon(same, same).p_value == 1.0
    assert significance.paired_t(same, same).p_value == 1.0


@given(PAIRED)
def test_mcnemar_is_scipys_binomial_test(pairs: list[tuple[int, int]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    before, after = (np.array(column) > 4 for column in zip(*pairs, strict=True))
    better, worse = int((~before & after).sum()), int((before & ~after).sum())
    expected = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
    assert significance.mcnemar(before, after).p_value == pytest.approx(expected)


@given(PAIRED)
def test_wilcoxon_is_scipys(pairs: list[tuple[int, int]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    before, after = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    if not (before != after).any():
        return
    expected = stats.wilcoxon(after, before, correction=False, method="asymptotic")
    result = significance.wilcoxon(before, after)
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)


@given(PAIRED)
def test_paired_t_is_scipys(pairs: list[tuple[int, int]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    before, after = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    if len(set(after - before)) < 2:
        return
    expected = stats.ttest_rel(after, before)
    result = significance.paired_t(before, after)
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-12)
