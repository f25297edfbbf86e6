"""What was measured, as figures: ratios, paces, memory, cost, growth, the share of the machine's arithmetic, the goals.

Pure: values in, values out. It knows no system but by its name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bench.run import GROWTH_SHARE, Measured, PeakSample, Sample

#: What ratios are taken against, what a user without a tuned model has, the systems that are srllm's, and those that it
#: must never be slower than.
BASELINE = "chat"
UNTUNED = "instructed"
LIKE_FOR_LIKE = "engine"
WHOLE = "srllm"
LOOKUPS = ("lookup-2", "lookup-10")
#: An assumed price of one core for an hour, in dollars, about what clouds ask on demand. It scales the cost, no ratio.
CORE_HOUR_PRICE = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """A system at one share of biased passages. ``ratio``: how many times as fast as the baseline, over all chunks.

    ``lowest`` and ``highest`` are the ratio of the chunk where it was so; ``None`` without a baseline.
    """

    system: str
    biased_share: float
    passages_a_second: float
    tokens_a_second: float
    found: int
    passages: int
    ratio: float | None
    lowest: float | None
    highest: float | None
    core_hours_a_million_words: float

    @property
    def dollars_a_million_words(self) -> float:
        """The cost at the assumed price."""
        return self.core_hours_a_million_words * CORE_HOUR_PRICE


@dataclass(frozen=True, slots=True)
class Growth:
    """Seconds by the number of passages, and the exponent of the power law that fits them (1: linear)."""

    system: str
    points: tuple[tuple[int, float], ...]
    exponent: float | None


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, what it asks for, and what was measured (``None``: not measured here)."""

    name: str
    wanted: str
    measured: str | None
    met: bool | None


def paces(samples: Sequence[Sample], threads: int) -> list[Pace]:
    """Return the pace of every system at every share, from the chunks of equal size."""
    equal = [sample for sample in samples if not sample.growth]
    groups: dict[tuple[float, str], list[Sample]] = {}
    for sample in equal:
        groups.setdefault((sample.biased_share, sample.system), []).append(sample)
    found = []
    for (share, system), group in sorted(groups.items()):
        seconds = [sample.taken.seconds for sample in group]
        base = [sample.taken.seconds for sample in groups.get((share, BASELINE), [])]
        ratios = [one / other for one, other in zip(base, seconds, strict=True)] if base else []
        total, words = sum(seconds), sum(sample.words for sample in group)
        passages = sum(sample.passages for sample in group)
        found.append(
            Pace(
                system=system,
                biased_share=share,
                passages_a_second=passages / total,
                tokens_a_second=sum(sample.tokens for sample in group) / total,
                found=sum(sample.taken.found for sample in group),
                passages=passages,
                ratio=sum(base) / total if base else None,
                lowest=min(ratios, default=None),
                highest=max(ratios, default=None),
                core_hours_a_million_words=total * threads / 3600 / words * 1e6,
            )
        )
    return found


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """Return each system's growth, in the order in which they first appear."""
    points: dict[str, list[tuple[int, float]]] = {}
    for sample in samples:
        if sample.growth:
            points.setdefault(sample.system, []).append((sample.passages, sample.taken.seconds))
    return [Growth(name, tuple(sorted(found)), _exponent(sorted(found))) for name, found in points.items()]


def peak_memory(samples: Sequence[Sample]) -> dict[str, int]:
    """Return the most bytes that each system held at a time, over the whole run; 0: not known."""
    peaks: dict[str, int] = {}
    for sample in samples:
        peaks[sample.system] = max(peaks.get(sample.system, 0), sample.taken.peak_bytes)
    return peaks


def arithmetic_share(peaks: Sequence[PeakSample], operations_per_token: int) -> float | None:
    """Return the median share of the measured peak arithmetic that the scoring pass reached."""
    shares = [peak.scored_tokens * operations_per_token / peak.seconds / peak.matmul_rate for peak in peaks]
    return median(shares) if shares else None


def goals(measured: Measured, found: Sequence[Pace], model_bytes: int, share: float | None) -> list[Goal]:
    """Compare what was measured with what was set out for."""
    paced = {(pace.system, pace.biased_share): pace.passages_a_second for pace in found}
    reached = [
        _ratio_goal(paced, f"{share:.0%} biased, {told}", system, other, share, wanted)
        for share, wanted in ((0.0, 8.0), (GROWTH_SHARE, 12.0), (1.0, 4.0))
        for told, system, other in (
            ("like for like", LIKE_FOR_LIKE, BASELINE),
            ("whole command", WHOLE, BASELINE),
            ("against no tuned model", WHOLE, UNTUNED),
        )
    ]
    reached.append(_never_slower(paced))
    exponent = next((g.exponent for g in growths(measured.samples) if g.system == WHOLE), None)
    told = None if exponent is None else f"passages to the power {exponent:.2f}"
    reached.append(Goal("growth", "linear (at most 1.05)", told, None if exponent is None else exponent <= 1.05))
    peak = peak_memory(measured.samples).get(WHOLE, 0)
    over = (peak - model_bytes) / 1e6
    reached.append(
        Goal(
            "peak memory",
            "the file and 250 MB",
            f"the file and {over:.0f} MB" if peak else None,
            over <= 250 if peak else None,
        )
    )
    told = None if share is None else f"{share:.0%}"
    reached.append(Goal("scoring: share of the measured peak", "50 %", told, None if share is None else share >= 0.5))
    return reached


def _ratio_goal(
    paced: dict[tuple[str, float], float], name: str, system: str, other: str, share: float, wanted: float
) -> Goal:
    one, base = paced.get((system, share)), paced.get((other, share))
    if one is None or base is None:
        return Goal(name, f"{wanted:g} times `{other}`", None, None)
    return Goal(name, f"{wanted:g} times `{other}`", f"{one / base:.1f} times", one / base >= wanted)


def _never_slower(paced: dict[tuple[str, float], float]) -> Goal:
    """The least ratio of srllm, whole, against either look-up decoding, over the shares."""
    ratios = [
        pace / paced[lookup, share]
        for (system, share), pace in paced.items()
        for lookup in LOOKUPS
        if system == WHOLE and (lookup, share) in paced
    ]
    least = min(ratios, default=None)
    told = None if least is None else f"at least {least:.1f} times"
    return Goal("against look-up decoding", "never slower", told, None if least is None else least >= 1.0)


def _exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """Fit ``seconds = c * passages ** k`` by least squares of the logarithms; return k."""
    if len({passages for passages, _ in points}) < 2:
        return None
    x = [math.log(passages) for passages, _ in points]
    y = [math.log(seconds) for _, seconds in points]
    mean_x, mean_y = fmean(x), fmean(y)
    across = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return across / sum((a - mean_x) ** 2 for a in x)
