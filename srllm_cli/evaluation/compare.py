"""Two reports against each other: what got better, what got worse, text by text, and whether it can be chance.

Reads the JSON that ``srllm eval --json`` writes and nothing else; runs no system.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.table import Table

from srllm_cli.errors import DataError
from srllm_cli.evaluation import ranking
from srllm_cli.evaluation.judge import JudgeScores
from srllm_cli.evaluation.labels import FIGURES, UNKNOWN, label, points, show
from srllm_cli.evaluation.ranking import Floats, Statistic, ratio_statistic
from srllm_cli.evaluation.report import VERSION
from srllm_cli.evaluation.significance import Figure, PairedTest, mcnemar, paired_bootstrap, paired_t, wilcoxon


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ReportRecord(_Loose):
    """One text of a report's JSON, as far as a comparison needs it."""

    set: str
    id: str
    label: str
    text: str
    output: str
    score: float | None
    flagged: bool
    changed: bool
    clean: bool | None
    facts: int
    facts_kept: int
    chrf: float | None
    content: dict[str, Any] | None = None
    judged: dict[str, float] | None = None


class ReportSystem(_Loose):
    """One system of a report's JSON."""

    name: str
    records: list[ReportRecord]


class ReportFile(_Loose):
    """A report's JSON."""

    version: int
    systems: list[ReportSystem]


@dataclass(frozen=True, slots=True)
class Change:
    """A text whose outcome differs: ``better`` says which way, ``figure`` in what."""

    set: str
    id: str
    figure: str
    better: bool
    text: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure of one set in both reports, on the texts that both have.

    ``difference`` is after minus before with its paired bootstrap interval; ``tests`` are those that fit the figure.
    """

    set: str
    figure: str
    before: float
    after: float
    difference: Figure
    tests: tuple[PairedTest, ...]

    @property
    def drop(self) -> float:
        """How far the figure fell, in points (per cent, hundredths of an index); negative when it rose."""
        change = points(self.figure, self.difference.value)
        return change if FIGURES.get(self.figure, UNKNOWN).higher_is_better is False else -change


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome: the systems compared, figures that both have, and texts that changed sides."""

    before: str
    after: str
    texts: int
    figures: tuple[FigureChange, ...]
    changes: tuple[Change, ...]

    def fallen(self, max_drop: float) -> list[FigureChange]:
        """Return the figures that fell by more than ``max_drop`` points."""
        return [figure for figure in self.figures if round(figure.drop, 9) > max_drop]


@dataclass(frozen=True, slots=True)
class _Measure:
    """A per-text value that is compared as a mean: which records have it, what it is, and whether it is yes or no."""

    figure: str
    has: Callable[[ReportRecord], bool]
    value: Callable[[ReportRecord], float]
    binary: bool = True


def _content_measure(name: str) -> _Measure:
    def has(record: ReportRecord) -> bool:
        return record.label == "biased" and (record.content or {}).get(name) is not None

    return _Measure(name, has, lambda record: float((record.content or {})[name]), binary=False)


def _judge_measure(figure: str, name: str) -> _Measure:
    def has(record: ReportRecord) -> bool:
        return record.judged is not None and name in record.judged

    return _Measure(figure, has, lambda record: (record.judged or {})[name], binary=name == "knowledge_retention")


_MEASURES = (
    _Measure("clean", lambda r: r.clean is not None, lambda r: float(bool(r.clean))),
    _Measure(
        "facts_kept", lambda r: r.label == "biased" and r.facts > 0, lambda r: r.facts_kept / r.facts, binary=False
    ),
    _Measure("untouched", lambda r: r.label == "neutral", lambda r: float(not r.changed)),
    _Measure("found", lambda r: r.label == "biased", lambda r: float(r.flagged)),
    _Measure("chrf", lambda r: r.label == "biased" and r.chrf is not None, lambda r: r.chrf or 0.0, binary=False),
    *(_content_measure(name) for name in ("similarity", "bias_after")),
    *(_judge_measure(f"judge_{field.name}", field.name) for field in fields(JudgeScores) if "before" not in field.name),
)
#: Figures whose changes are listed text by text.
_LISTED = ("clean", "untouched")


def read_report(path: Path) -> ReportFile:
    """Read a report's JSON.

    Raises:
        DataError: when it is missing, is not such a report, or has another version.
    """
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
        report = ReportFile.model_validate(values)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(f"{path}: not a report of srllm eval: {place}: {first['msg']}") from error
    if report.version != VERSION:
        raise DataError(f"{path}: version {report.version} of the report; this srllm reads version {VERSION}")
    return report


def pick_system(path: Path, report: ReportFile, name: str | None) -> ReportSystem:
    """Return the system of that name, or the first.

    Raises:
        DataError: when the report has no such system, or none.
    """
    for system in report.systems:
        if name is None or system.name == name:
            return system
    names = ", ".join(system.name for system in report.systems) or "none"
    raise DataError(f"{path}: no system {name or ''}".rstrip(), hint=f"it has {names}")


def compare(before: ReportSystem, after: ReportSystem) -> Comparison:
    """Compare two systems on the texts that both have (same set, id and wording).

    Raises:
        DataError: when they share no text.
    """
    old = {(record.set, record.id, record.text): record for record in before.records}
    shared = [(old[key], r) for r in after.records if (key := (r.set, r.id, r.text)) in old]
    if not shared:
        raise DataError(f"{before.name} and {after.name} share no text", hint="compare reports on the same data")
    figures: list[FigureChange] = []
    changes: list[Change] = []
    for name in dict.fromkeys(record.set for record, _ in shared):
        members = [(one, other) for one, other in shared if one.set == name]
        for measure in _MEASURES:
            chosen = [(one, other) for one, other in members if measure.has(one) and measure.has(other)]
            if chosen:
                figures.append(_compare_means(name, measure, chosen))
            if measure.figure in _LISTED:
                changes.extend(_list_changes(measure, chosen))
        if (ranked := _compare_auc(name, members)) is not None:
            figures.append(ranked)
    return Comparison(before.name, after.name, len(shared), tuple(figures), tuple(changes))


def comparison_table(comparison: Comparison) -> Table:
    """Return a row a figure: before, after, the difference in points with its interval, p-values and effect sizes."""
    table = Table(title=f"{comparison.before} → {comparison.after} ({comparison.texts} texts)", title_justify="left")
    for column in ("set", "figure", "before", "after", "difference", "tests"):
        table.add_column(column, justify="right" if column in ("before", "after", "difference") else "left")
    for change in comparison.figures:
        low, value, high = (
            points(change.figure, bound)
            for bound in (change.difference.low, change.difference.value, change.difference.high)
        )
        tests = "; ".join(f"{t.name} p={t.p_value:.3g}, {t.effect_name}={t.effect:.2f}" for t in change.tests)
        table.add_row(
            change.set,
            label(change.figure),
            show(change.figure, change.before),
            show(change.figure, change.after),
            f"{value:+.1f} ({low:+.1f} to {high:+.1f})",
            tests or "-",
        )
    return table


def _compare_means(name: str, measure: _Measure, pairs: Sequence[tuple[ReportRecord, ReportRecord]]) -> FigureChange:
    one = np.asarray([measure.value(record) for record, _ in pairs], dtype=np.float64)
    other = np.asarray([measure.value(record) for _, record in pairs], dtype=np.float64)
    weights = np.ones(len(pairs))
    tests = (mcnemar(one, other),) if measure.binary else (wilcoxon(one, other), paired_t(one, other))
    return _figure_change(
        name, measure.figure, ratio_statistic(one, weights), ratio_statistic(other, weights), len(pairs), tests
    )


def _compare_auc(name: str, pairs: Sequence[tuple[ReportRecord, ReportRecord]]) -> FigureChange | None:
    scored = [(one, other) for one, other in pairs if one.score is not None and other.score is not None]
    labels = np.asarray([one.label == "biased" for one, _ in scored], dtype=np.float64)
    if not scored or len(set(labels.tolist())) < 2:
        return None
    one, other = (np.asarray([pair[side].score for pair in scored], dtype=np.float64) for side in (0, 1))
    return _figure_change(
        name, "auc", ranking.auc_statistic(one, labels), ranking.auc_statistic(other, labels), len(scored), ()
    )


def _figure_change(
    name: str, figure: str, before: Statistic, after: Statistic, texts: int, tests: tuple[PairedTest, ...]
) -> FigureChange:
    plain: Floats = np.ones((1, texts))
    difference = paired_bootstrap(before, after, texts)
    if difference is None:  # unreachable: both sides have a value on the texts that were chosen
        raise ValueError(f"{figure} has no value on {name}")
    return FigureChange(name, figure, float(before(plain)[0]), float(after(plain)[0]), difference, tests)


def _list_changes(measure: _Measure, pairs: Sequence[tuple[ReportRecord, ReportRecord]]) -> list[Change]:
    return [
        Change(
            one.set,
            one.id,
            measure.figure,
            measure.value(other) > measure.value(one),
            one.text,
            one.output,
            other.output,
        )
        for one, other in pairs
        if measure.value(one) != measure.value(other)
    ]
