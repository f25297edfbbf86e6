"""What the benchmark makes of what it measured."""

from __future__ import annotations

import pytest

from bench.figures import Goal, arithmetic_share, goals, growths, paces, peak_memory
from bench.page import Facts, Results, page
from bench.plot import growth_plot
from bench.run import Measured, PeakSample, Sample, known
from bench.start import Start
from bench.worker import Taken


def sample(system: str, share: float, seconds: float, passages: int = 10, *, growth: bool = False) -> Sample:
    taken = Taken(seconds=seconds, found=1, written=None, peak_bytes=int(300e6))
    return Sample(system, share, passages, 20 * passages, 30 * passages, growth, taken)


SAMPLES = (
    *(sample("chat", share, seconds) for share in (0.0, 0.1, 1.0) for seconds in (10.0, 20.0)),
    *(sample("srllm", share, seconds) for share in (0.0, 0.1, 1.0) for seconds in (1.0, 1.0)),
    *(sample("engine", share, seconds) for share in (0.0, 0.1, 1.0) for seconds in (2.0, 1.0)),
    *(sample("lookup-2", share, 40.0) for share in (0.0, 0.1, 1.0) for _ in range(2)),
    *(sample("srllm", 0.1, 0.1 * count, count, growth=True) for count in (10, 100, 1000)),
)
MEASURED = Measured(SAMPLES, (PeakSample(1000, 1.0, 400e9),), (Start("start", (0.5, 0.7, 0.6)),), {"srllm": 0.2}, {})


def test_ratios_are_over_all_chunks_with_the_least_and_greatest_of_one() -> None:
    pace = next(p for p in paces(SAMPLES, threads=2) if p.system == "engine" and p.biased_share == 0.1)
    assert pace.ratio == pytest.approx(10.0)
    assert (pace.lowest, pace.highest) == (pytest.approx(5.0), pytest.approx(20.0))
    assert pace.passages_a_second == pytest.approx(20 / 3)
    assert pace.core_hours_a_million_words == pytest.approx(3.0 * 2 / 3600 / 400 * 1e6)


def test_growth_is_the_exponent_of_a_power_law() -> None:
    (found,) = growths(SAMPLES)
    assert found.exponent == pytest.approx(1.0)
    squares = [sample("srllm", 0.1, n**2, n, growth=True) for n in (10, 100)]
    assert growths(squares)[0].exponent == pytest.approx(2.0)
    assert growths(squares[:1])[0].exponent is None


def test_the_share_of_arithmetic_is_that_of_each_pair_of_measurements() -> None:
    assert arithmetic_share(MEASURED.peaks, 200_000_000) == pytest.approx(0.5)
    assert arithmetic_share((), 1) is None


def test_goals_are_told_as_met_missed_or_not_measured() -> None:
    told = {goal.name: goal for goal in goals(MEASURED, paces(SAMPLES, 2), int(145e6), 0.49)}
    assert told["10% biased, whole command"].met is True
    assert told["peak memory"].measured == "the file and 155 MB"
    assert told["scoring: share of the measured peak"].met is False
    assert told["growth"].met is True
    nothing = goals(Measured((), (), (), {}, {}), [], 1, None)
    assert all(goal.met is None and goal.measured is None for goal in nothing)


def test_the_page_and_the_plot_show_every_system() -> None:
    results = Results(
        facts=Facts("CPU", 2, 2, "0.3", "builtin", 1, "BF16", quick=True),
        paces=tuple(paces(SAMPLES, 2)),
        growths=tuple(growths(SAMPLES)),
        memory=peak_memory(SAMPLES),
        arithmetic_share=0.5,
        matmul_rate=4e11,
        starts=MEASURED.starts,
        load_seconds={},
        missing={"alex": "not installed"},
        goals=(Goal("growth", "linear", None, None),),
    )
    text = page(results, "growth.svg")
    for expected in ("no figure here means anything", "| 15.0 (10.0–20.0) |", "not measured", "not installed", "400 b"):
        assert expected in text
    assert growth_plot("Growth", results.growths).count("<circle") == 3


def test_unknown_systems_are_refused_and_known_ones_ordered() -> None:
    assert known(["srllm", "chat"]) == ["chat", "srllm"]
    with pytest.raises(ValueError, match="unknown system 'magic'"):
        known(["magic"])
