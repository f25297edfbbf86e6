"""The figures of a set of scored texts: every metric with its interval, for the whole and by group.

Turns records into arrays and arrays into figures; what each metric means is defined in ``metrics``, ``edits`` and
``ranking``. Runs no system and writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from srllm_cli.evaluation import ranking
from srllm_cli.evaluation.benchmarks import BOLD, CONTESTED_FUNCTIONALITIES, CROWS, HATECHECK
from srllm_cli.evaluation.content import ContentScores
from srllm_cli.evaluation.judge import JudgeScores
from srllm_cli.evaluation.metrics import CHRF_BETA, TextScores, score_text
from srllm_cli.evaluation.ranking import Floats, Statistic, divide, ratio_statistic
from srllm_cli.evaluation.significance import Figure, bootstrap
from srllm_cli.evaluation.systems import SystemOutput
from srllm_cli.evaluation.texts import EvalText

#: Name of the made-up set that ranks CrowS-Pairs (biased) against BOLD's Wikipedia sentences (neutral).
CROWS_AGAINST_BOLD = f"{CROWS}+{BOLD}"

Figures = dict[str, Figure]


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A text, what a system made of it, and how that compares with what was wanted."""

    text: EvalText
    output: SystemOutput
    seconds: float
    scores: TextScores
    content: ContentScores | None = None
    judged: JudgeScores | None = None

    @property
    def is_biased(self) -> bool:
        """Whether the text is labelled biased."""
        return self.text.label == "biased"


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Figures of one set: over all its texts, and by grouping (``dimension``) and group (``gender``)."""

    overall: Figures
    groups: Mapping[str, Mapping[str, Figures]]


def score_output(text: EvalText, output: SystemOutput, seconds: float) -> ScoredText:
    """Score one output against its text's references, spans and facts."""
    scores = score_text(text.text, output.text, text.references, text.spans, text.keep)
    return ScoredText(text, output, seconds, scores)


def set_figures(name: str, records: Sequence[ScoredText]) -> SetFigures:
    """Return every figure that the records allow; a figure without a text to rest on is left out.

    In a group of biased pairs alone (a dimension) the ranking figures set them against all neutral records of the set,
    so that each dimension has an AUC.
    """
    overall = compute_figures(records)
    if name == HATECHECK:
        kept = [r for r in records if r.text.groups.get("functionality") not in CONTESTED_FUNCTIONALITIES]
        overall |= {f"{key}_uncontested": value for key, value in ranking_figures(kept).items() if key == "auc"}
    neutral = [record for record in records if not record.is_biased]
    groups: dict[str, dict[str, Figures]] = {}
    for grouping, members in _by_group(records).items():
        groups[grouping] = {}
        for group, chosen in members.items():
            figures = compute_figures(chosen)
            if all(record.is_biased for record in chosen):
                figures |= {key: value for key, value in ranking_figures([*chosen, *neutral]).items() if key == "auc"}
            groups[grouping][group] = figures
    return SetFigures(overall, groups)


def crows_against_bold(sets: Mapping[str, Sequence[ScoredText]]) -> SetFigures | None:
    """Rank stereotypes (CrowS-Pairs) above first Wikipedia sentences (BOLD), overall and by CrowS dimension."""
    crows, bold = sets.get(CROWS, ()), sets.get(BOLD, ())
    overall = ranking_figures([*crows, *bold])
    if not crows or not bold or not overall:
        return None
    dimensions = _by_group(crows).get("dimension", {})
    return SetFigures(
        overall, {"dimension": {name: ranking_figures([*chosen, *bold]) for name, chosen in dimensions.items()}}
    )


def compute_figures(records: Sequence[ScoredText]) -> Figures:
    """Return the figures of rewriting, deciding and ranking over these records.

    Shares are in [0, 1], chrF in [0, 100], speed in words a second. On the biased records: ``clean`` (all spans gone,
    all facts kept), ``spans_gone`` and ``facts_kept`` (micro-averages over spans and facts), ``exact``, ``chrf``,
    ``changed``, ``found`` (flagged). On the neutral: ``untouched``, ``false_alarms`` (flagged). On all: the edits'
    ``edit_precision``, ``edit_recall``, ``edit_f05``, and the figures of :func:`ranking_figures`.
    """
    biased = [record for record in records if record.is_biased]
    neutral = [record for record in records if not record.is_biased]
    marked = [record for record in biased if record.scores.clean is not None]
    against = [record for record in biased if record.text.references]
    figures = {
        "clean": _share(marked, lambda r: bool(r.scores.clean)),
        "clean_when_changed": _share([r for r in marked if r.scores.changed], lambda r: bool(r.scores.clean)),
        "spans_gone": _ratio(marked, lambda r: r.scores.spans_gone, lambda r: r.scores.spans),
        "facts_kept": _ratio(biased, lambda r: r.scores.facts_kept, lambda r: r.scores.facts),
        "untouched": _share(neutral, lambda r: not r.scores.changed),
        "false_alarms": _share(neutral, lambda r: r.output.flagged),
        "found": _share(biased, lambda r: r.output.flagged),
        "changed": _share(biased, lambda r: r.scores.changed),
        "exact": _share(against, lambda r: bool(r.scores.exact)),
        **_edit_figures(records),
        "chrf": bootstrap(_chrf_statistic(against), len(against)) if against else None,
        **ranking_figures(records),
        **_content_figures(records),
        **_judge_figures(records),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def ranking_figures(records: Sequence[ScoredText]) -> Figures:
    """Return ``auc``, ``average_precision``, ``calibration_error`` and ``brier`` where both labels are scored."""
    scored = [record for record in records if record.output.score is not None]
    if {record.is_biased for record in scored} != {True, False}:
        return {}
    scores = _column(scored, lambda r: r.output.score or 0.0)
    labels = _column(scored, lambda r: r.is_biased)
    statistics = {
        "auc": ranking.auc_statistic(scores, labels),
        "average_precision": ranking.average_precision_statistic(scores, labels),
        "calibration_error": ranking.calibration_statistic(scores, labels),
        "brier": ratio_statistic((scores - labels) ** 2, np.ones(len(scored))),
    }
    figures = {name: bootstrap(statistic, len(scored)) for name, statistic in statistics.items()}
    return {name: figure for name, figure in figures.items() if figure is not None}


def _edit_figures(records: Sequence[ScoredText]) -> dict[str, Figure | None]:
    """Micro-averaged edit precision, recall and F0.5 over all texts with a reference; a neutral text wants no edit."""
    counts = [(r.scores.edits.shared, r.scores.edits.extra, r.scores.edits.missing) for r in records if r.scores.edits]
    if not counts:
        return {}
    shared, extra, missing = np.asarray(counts, dtype=np.float64).T
    ratios = {
        "edit_precision": (shared, shared + extra),
        "edit_recall": (shared, shared + missing),
        "edit_f05": (1.25 * shared, 1.25 * shared + 0.25 * missing + extra),
    }
    return {name: bootstrap(ratio_statistic(top, bottom), len(counts)) for name, (top, bottom) in ratios.items()}


def _content_figures(records: Sequence[ScoredText]) -> dict[str, Figure | None]:
    """Micro-averages of what is kept, means of what models say, over the biased texts that were scored for content."""
    found = [(record, content) for record in records if record.is_biased and (content := record.content) is not None]
    figures: dict[str, Figure | None] = {}
    for kind in ("numbers", "names", "phrases", "words"):
        counts = [getattr(content, kind) for _, content in found]
        top = np.asarray([count.kept for count in counts], dtype=np.float64)
        bottom = np.asarray([count.total for count in counts], dtype=np.float64)
        figures[f"{kind}_kept"] = bootstrap(ratio_statistic(top, bottom), len(counts))
    for kind in ("similarity", "bias_before", "bias_after"):
        figures[kind] = _mean([value for _, content in found if (value := getattr(content, kind)) is not None])
    return figures


def _judge_figures(records: Sequence[ScoredText]) -> dict[str, Figure | None]:
    """Means of a judge's scores over the biased texts."""
    found = [judged for record in records if record.is_biased and (judged := record.judged) is not None]
    return {
        f"judge_{field.name}": _mean([getattr(judged, field.name) for judged in found]) for field in fields(JudgeScores)
    }


def _mean(values: Sequence[float]) -> Figure | None:
    column = np.asarray(values, dtype=np.float64)
    return bootstrap(ratio_statistic(column, np.ones(len(values))), len(values))


def _chrf_statistic(records: Sequence[ScoredText]) -> Statistic:
    """Corpus-level chrF: the n-gram counts of all texts are added up before precision and recall are taken."""
    counts = [r.scores.chrf for r in records if r.scores.chrf is not None]
    made, wanted, shared = (
        np.asarray([getattr(c, side) for c in counts], dtype=np.float64) for side in ("rewrite", "reference", "shared")
    )

    def statistic(weights: Floats) -> Floats:
        have, want, both = weights @ made, weights @ wanted, weights @ shared  # each (resamples, orders)
        used = (have > 0) & (want > 0)
        orders = np.maximum(used.sum(axis=1), 1)
        precision = (divide(both, have, empty=0.0) * used).sum(axis=1) / orders
        recall = (divide(both, want, empty=0.0) * used).sum(axis=1) / orders
        factor = CHRF_BETA**2
        return 100 * divide((1 + factor) * precision * recall, factor * precision + recall, empty=0.0)

    return statistic


def _by_group(records: Sequence[ScoredText]) -> dict[str, dict[str, list[ScoredText]]]:
    """Group by each grouping; lengths in their natural order, everything else by name."""
    found: dict[str, dict[str, list[ScoredText]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for grouping, group in record.text.groups.items():
            found[grouping][group].append(record)

    def rank(group: str) -> tuple[int, str]:
        digits = group.split("-")[0].rstrip("+")
        return (int(digits) if digits.isdigit() else 0, group)

    return {name: {group: members[group] for group in sorted(members, key=rank)} for name, members in found.items()}


def _share(records: Sequence[ScoredText], holds: Callable[[ScoredText], bool]) -> Figure | None:
    return _ratio(records, holds, lambda _: 1)


def _ratio(
    records: Sequence[ScoredText], top: Callable[[ScoredText], float], bottom: Callable[[ScoredText], float]
) -> Figure | None:
    if not records:
        return None
    return bootstrap(ratio_statistic(_column(records, top), _column(records, bottom)), len(records))


def _column(records: Sequence[ScoredText], value: Callable[[ScoredText], float]) -> Floats:
    return np.asarray([value(record) for record in records], dtype=np.float64)
