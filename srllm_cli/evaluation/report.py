"""The outcome of an evaluation as a value, as JSON with every record, and as a table for the terminal.

Builds from scored texts; runs nothing. The HTML page is made in ``html``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from srllm_cli.evaluation.figures import (
    CROWS_AGAINST_BOLD,
    Figures,
    ScoredText,
    SetFigures,
    crows_against_bold,
    set_figures,
)
from srllm_cli.evaluation.labels import FIGURES, label, show_figure
from srllm_cli.evaluation.significance import LEVEL, RESAMPLES, SEED

#: Version of the JSON; raised when a key changes its meaning or goes.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """What was evaluated on: enough to run it again.

    ``data_sha256`` identifies the pairs' content (``fingerprint`` of all records read, before the split).
    """

    srllm: str
    created: str
    data: tuple[str, ...] = ()
    data_sha256: str | None = None
    split: str | None = None
    judge: str | None = None
    benchmarks: tuple[str, ...] = ()
    limit: int | None = None
    threshold: float | None = None
    screen: str | None = None

    @property
    def test_split_opened(self) -> bool:
        """Whether figures rest on the test split, which is for reporting and never for choosing."""
        return self.split == "test"


@dataclass(frozen=True, slots=True)
class SystemReport:
    """One system's scored texts and figures by set."""

    name: str
    fingerprint: str
    records: Mapping[str, Sequence[ScoredText]]
    sets: Mapping[str, SetFigures]

    @property
    def seconds(self) -> float:
        """Seconds spent on all texts, in the run that made the records."""
        return sum(record.seconds for records in self.records.values() for record in records)

    @property
    def words(self) -> int:
        """Words (between spaces) of all texts."""
        return sum(len(record.text.text.split()) for records in self.records.values() for record in records)

    @property
    def words_per_second(self) -> float | None:
        """Speed on this machine; ``None`` when no time was spent (ready-made outputs)."""
        return self.words / self.seconds if self.seconds > 0.01 else None


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Systems side by side on the same sets."""

    setting: Setting
    systems: tuple[SystemReport, ...]

    @property
    def set_names(self) -> tuple[str, ...]:
        """Every set that some system has figures for, in order of appearance."""
        return tuple(dict.fromkeys(name for system in self.systems for name in system.sets))


def build_system_report(name: str, fingerprint: str, records: Sequence[ScoredText]) -> SystemReport:
    """Group one system's records by set and compute the figures of each."""
    by_set: dict[str, list[ScoredText]] = {}
    for record in records:
        by_set.setdefault(record.text.set, []).append(record)
    sets = {set_name: set_figures(set_name, members) for set_name, members in by_set.items()}
    if (ranked := crows_against_bold(by_set)) is not None:
        sets[CROWS_AGAINST_BOLD] = ranked
    return SystemReport(name, fingerprint, by_set, sets)


def to_json(report: EvaluationReport) -> str:
    """Return the whole report as JSON, one line a record so that two reports can be compared by line."""
    setting = asdict(report.setting) | {"test_split_opened": report.setting.test_split_opened}
    head = {"version": VERSION, "setting": setting, "intervals": {"level": LEVEL, "resamples": RESAMPLES, "seed": SEED}}
    systems = ",\n".join(_system_json(system) for system in report.systems)
    return json.dumps(head, ensure_ascii=False)[:-1] + f',\n"systems": [\n{systems}\n]}}\n'


def tables(report: EvaluationReport, by: Sequence[str] = ()) -> list[Table]:
    """Return one table a set (a row a figure, a column a system), then one for each grouping asked for.

    Args:
        report: what to show.
        by: groupings to break down by, such as ``dimension`` or ``functionality``.
    """
    found = []
    for name in report.set_names:
        systems = [system for system in report.systems if name in system.sets]
        found.append(_set_table(name, systems))
        for grouping in by:
            if any(grouping in system.sets[name].groups for system in systems):
                found.append(_group_table(name, grouping, systems))
    return found


def note(report: EvaluationReport) -> str:
    """Return the few sentences that belong under every table."""
    interval = f"In brackets: {LEVEL:.0%} bootstrap intervals, {RESAMPLES:,} resamples of the texts."
    opened = " The test split was opened for this report." if report.setting.test_split_opened else ""
    judged = f" Judged by {report.setting.judge}." if report.setting.judge else ""
    return interval + judged + opened


def _set_table(name: str, systems: Sequence[SystemReport]) -> Table:
    counts = [len(system.records[name]) for system in systems if name in system.records]
    title = f"{name} ({max(counts)} texts)" if counts else name
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    for system in systems:
        table.add_column(system.name, justify="right")
    for figure in FIGURES:
        values = [system.sets[name].overall.get(figure) for system in systems]
        if any(values):
            table.add_row(label(figure), *("-" if value is None else show_figure(figure, value) for value in values))
    return table


def _group_table(name: str, grouping: str, systems: Sequence[SystemReport]) -> Table:
    """Show the headline of each group: clean rewrites, texts changed or untouched, AUC, whichever there are."""
    table = Table(title=f"{name} by {grouping}", title_justify="left")
    for column in (grouping, "texts", "system"):
        table.add_column(column, justify="right" if column == "texts" else "left")
    shown = ("clean", "changed", "untouched", "false_alarms", "auc")
    for figure in shown:
        table.add_column(label(figure), justify="right")
    for group in dict.fromkeys(group for system in systems for group in system.sets[name].groups.get(grouping, {})):
        for system in systems:
            figures: Figures = system.sets[name].groups.get(grouping, {}).get(group, {})
            cells = ["-" if figure not in figures else show_figure(figure, figures[figure]) for figure in shown]
            table.add_row(group, str(_group_size(system, name, grouping, group)), system.name, *cells)
    return table


def _group_size(system: SystemReport, name: str, grouping: str, group: str) -> int:
    return sum(record.text.groups.get(grouping) == group for record in system.records.get(name, ()))


def _system_json(system: SystemReport) -> str:
    head = {
        "name": system.name,
        "fingerprint": system.fingerprint,
        "words": system.words,
        "seconds": round(system.seconds, 3),
        "words_per_second": system.words_per_second,
        "figures": {name: _figures_json(figures.overall) for name, figures in system.sets.items()},
        "groups": {
            name: {
                grouping: {group: _figures_json(values) for group, values in members.items()}
                for grouping, members in figures.groups.items()
            }
            for name, figures in system.sets.items()
        },
    }
    rows = ",\n".join(
        json.dumps(_record_json(record), ensure_ascii=False)
        for members in system.records.values()
        for record in members
    )
    return json.dumps(head, ensure_ascii=False)[:-1] + f', "records": [\n{rows}\n]}}'


def _figures_json(figures: Figures) -> dict[str, Any]:
    return {name: asdict(figure) for name, figure in figures.items()}


def _record_json(record: ScoredText) -> dict[str, Any]:
    """One text with its output and every score. ``edits``: shared with the reference, extra, missing."""
    text, output, scores = record.text, record.output, record.scores
    return {
        "set": text.set,
        "id": text.id,
        "label": text.label,
        "groups": dict(text.groups),
        "text": text.text,
        "output": output.text,
        "score": output.score,
        "flagged": output.flagged,
        "changed": scores.changed,
        "exact": scores.exact,
        "clean": scores.clean,
        "spans": scores.spans,
        "spans_gone": scores.spans_gone,
        "facts": scores.facts,
        "facts_kept": scores.facts_kept,
        "edits": None if scores.edits is None else asdict(scores.edits),
        "chrf": None if scores.chrf is None else round(scores.chrf.score(), 3),
        "content": None if record.content is None else asdict(record.content),
        "judged": None if record.judged is None else asdict(record.judged),
        "seconds": round(record.seconds, 6),
    }
