"""A run as a page of tables, for the documentation. Figures in, Markdown out; it measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.figures import CORE_HOUR_PRICE, Goal, Growth, Pace
from bench.start import Start
from bench.systems import SYSTEMS


@dataclass(frozen=True, slots=True)
class Facts:
    """What was run on what."""

    machine: str
    cores: int
    threads: int
    llama_cpp: str
    model: str
    model_bytes: int
    weight_type: str
    quick: bool


@dataclass(frozen=True, slots=True)
class Results:
    """All figures of a run."""

    facts: Facts
    paces: tuple[Pace, ...]
    growths: tuple[Growth, ...]
    memory: dict[str, int]
    arithmetic_share: float | None
    matmul_rate: float | None
    starts: tuple[Start, ...]
    load_seconds: dict[str, float]
    missing: dict[str, str]
    goals: tuple[Goal, ...]


def page(results: Results, plot: str) -> str:
    """Return the page; ``plot`` is the file name of the growth's plot beside it."""
    facts = results.facts
    parts = ["# Measured", ""]
    if facts.quick:
        parts += ["*From a quick run, which only shows that the benchmark works: no figure here means anything.*", ""]
    parts += [
        f"Written by `make bench`. {facts.machine}, {facts.cores} cores, {facts.threads} threads; llama-cpp-python "
        f"{facts.llama_cpp}; model {facts.model}, {facts.weight_type}, {facts.model_bytes / 1e6:.0f} MB.",
        "",
        "## Goals",
        "",
        *_table(("goal", "wanted", "measured", "met"), [_goal(goal) for goal in results.goals]),
    ]
    for share in sorted({pace.biased_share for pace in results.paces}):
        chosen = [pace for pace in results.paces if pace.biased_share == share]
        parts += ["", f"## {share:.0%} biased", "", *_table(_PACE_HEAD, [_pace(pace) for pace in _ordered(chosen)])]
    parts += [
        "",
        "Ratios are against `chat`, over all chunks; in brackets the least and greatest of a chunk. An hour "
        f"of a core is taken at ${CORE_HOUR_PRICE:g}.",
    ]
    memory = [(_title(name), _bytes(results.memory[name])) for name in SYSTEMS if name in results.memory]
    parts += ["", "## Peak memory, over the whole run", "", *_table(("", "peak"), memory)]
    if results.growths:
        parts += ["", "## Growth", "", f"![Seconds by number of passages]({plot})", ""]
        parts += _table(("", "passages: seconds", "exponent"), [_growth(growth) for growth in results.growths])
    if results.arithmetic_share is not None and results.matmul_rate is not None:
        parts += [
            "",
            "## Arithmetic",
            "",
            f"The scoring pass reaches {results.arithmetic_share:.0%} of what a matrix multiplication in the same "
            f"types reaches on this machine at the same time ({results.matmul_rate / 1e9:.0f} billion operations a "
            "second).",
        ]
    starts = [(start.title, f"{min(start.seconds):.2f}", f"{median(start.seconds):.2f}") for start in results.starts]
    parts += ["", "## Start", "", *_table(("command", "best, s", "median, s"), starts)]
    if results.missing:
        parts += ["", "## Left out", "", *(f"- {_title(name)}: {why}" for name, why in results.missing.items())]
    return "\n".join(parts) + "\n"


_PACE_HEAD = (
    "",
    "times as fast",
    "passages/s",
    "tokens of text/s",
    "found biased",
    "core hours a million words",
    "cost",
)


def _pace(pace: Pace) -> tuple[str, ...]:
    ratio = "" if pace.ratio is None else f"{pace.ratio:.1f} ({pace.lowest:.1f}–{pace.highest:.1f})"
    return (
        _title(pace.system),
        ratio,
        f"{pace.passages_a_second:.2f}",
        f"{pace.tokens_a_second:.0f}",
        f"{pace.found} of {pace.passages}",
        f"{pace.core_hours_a_million_words:.3g}",
        f"${pace.dollars_a_million_words:.3g}",
    )


def _ordered(chosen: Sequence[Pace]) -> list[Pace]:
    names = list(SYSTEMS)
    return sorted(chosen, key=lambda pace: names.index(pace.system))


def _goal(goal: Goal) -> tuple[str, ...]:
    met = "" if goal.met is None else ("yes" if goal.met else "no")
    return goal.name, goal.wanted, goal.measured or "not measured", met


def _growth(growth: Growth) -> tuple[str, ...]:
    points = "; ".join(f"{passages:,}: {seconds:.3g}" for passages, seconds in growth.points)
    return _title(growth.system), points, "" if growth.exponent is None else f"{growth.exponent:.2f}"


def _title(name: str) -> str:
    return SYSTEMS[name].title if name in SYSTEMS else name


def _bytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count else "not known"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
