"""The report as one HTML page that needs no network: tables, plots, and the worst examples with their word diffs.

Every text that came from a file or a system is escaped. Computes no figure; draws those of the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from importlib.resources import files

from srllm_cli.evaluation import ranking
from srllm_cli.evaluation.benchmarks import BOLD, CROWS
from srllm_cli.evaluation.figures import CROWS_AGAINST_BOLD, Figures, ScoredText
from srllm_cli.evaluation.labels import FIGURES, label, show, show_figure
from srllm_cli.evaluation.report import EvaluationReport, SystemReport, note
from srllm_cli.evaluation.significance import Figure
from srllm_cli.evaluation.svg import COLOURS, Dot, Series, curves, dot_plot, scatter

#: Examples shown of each kind and system.
EXAMPLES = 15
#: Groupings that are drawn, and the figures drawn for each, where there are any.
GROUPINGS = ("dimension", "domain", "length", "functionality", "group")
GROUP_FIGURES = ("clean", "facts_kept", "changed", "untouched", "auc")
_PIECE = re.compile(r"\s+|\w+(?:['’\-]\w+)*|[^\w\s]")


def render_page(report: EvaluationReport) -> str:
    """Return the whole page. Systems keep their colour throughout; plots without data are left out."""
    sections = [(name, _set_section(report, name)) for name in report.set_names]
    links = " ".join(f'<a href="#{escape(name, quote=True)}">{escape(name)}</a>' for name, _ in sections)
    style = files("srllm_cli.evaluation").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>srllm eval</title><style>{style}</style></head><body>"
        f"<h1>srllm eval</h1>{_setting(report)}<nav>{links}</nav>{_speed(report)}"
        f"{''.join(section for _, section in sections)}</body></html>\n"
    )


def word_diff(before: str, after: str) -> str:
    """Return the rewrite with what went marked ``<del>`` and what came marked ``<ins>``, escaped."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    parts = []
    for tag, i, j, k, m in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        gone, came = escape("".join(old[i:j])), escape("".join(new[k:m]))
        if tag == "equal":
            parts.append(gone)
            continue
        parts.append((f"<del>{gone}</del>" if gone else "") + (f"<ins>{came}</ins>" if came else ""))
    return "".join(parts)


def worst_examples(records: Sequence[ScoredText]) -> Mapping[str, list[ScoredText]]:
    """Return what went wrong, by kind, the most telling first: surest mistakes of the verdict, most facts lost."""
    score = {id(record): record.output.score or 0.0 for record in records}
    biased = [record for record in records if record.is_biased]
    kinds = {
        "Facts lost": sorted(
            (r for r in biased if r.scores.facts_kept < r.scores.facts),
            key=lambda r: r.scores.facts_kept - r.scores.facts,
        ),
        "Rewritten, bias left": [r for r in biased if r.scores.changed and r.scores.spans_gone < r.scores.spans],
        "Biased, left alone": sorted((r for r in biased if not r.scores.changed), key=lambda r: score[id(r)]),
        "Neutral, changed": sorted(
            (r for r in records if not r.is_biased and r.scores.changed), key=lambda r: -score[id(r)]
        ),
        "Neutral, flagged but kept": sorted(
            (r for r in records if not r.is_biased and r.output.flagged and not r.scores.changed),
            key=lambda r: -score[id(r)],
        ),
    }
    return {kind: found for kind, found in kinds.items() if found}


def _setting(report: EvaluationReport) -> str:
    setting = report.setting
    pairs = f"{', '.join(setting.data)} (split: {setting.split}, SHA-256 {setting.data_sha256})"
    rows = {
        "srllm": setting.srllm,
        "created": setting.created,
        "pairs": pairs if setting.data else "",
        "outside files": ", ".join(setting.benchmarks),
        "first texts of each set": "" if setting.limit is None else str(setting.limit),
        "threshold": "each model's own" if setting.threshold is None else f"{setting.threshold:g}",
    }
    shown = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value)
    opened = '<p class="warning">The test split was opened for this report.</p>' if setting.test_split_opened else ""
    return f'<dl>{shown}</dl>{opened}<p class="soft">{escape(note(report))}</p>{_key(report)}'


def _key(report: EvaluationReport) -> str:
    spans = (f'<span class="c{n % COLOURS}">{escape(s.name)}</span>' for n, s in enumerate(report.systems))
    return f'<p class="key">{"".join(spans)}</p>'


def _speed(report: EvaluationReport) -> str:
    """Plot words a second against clean rewrites, for the systems that have both."""
    series = [
        Series(system.name, number, [(speed, system.sets["pairs"].overall["clean"].value)])
        for number, system in enumerate(report.systems)
        if (speed := system.words_per_second) and "clean" in _overall(system, "pairs")
    ]
    if not series:
        return ""
    return f'<div class="plots">{scatter("Speed and quality", "words a second", "clean rewrites", series)}</div>'


def _overall(system: SystemReport, name: str) -> Figures:
    return system.sets[name].overall if name in system.sets else {}


def _set_section(report: EvaluationReport, name: str) -> str:
    systems = [(number, system) for number, system in enumerate(report.systems) if name in system.sets]
    plots = [*_curves(systems, name), *_group_plots(systems, name)]
    return (
        f'<section id="{escape(name, quote=True)}"><h2>{escape(name)}</h2>'
        f"{_table(systems, name)}{_lengths(systems, name)}"
        f'<div class="plots">{"".join(plots)}</div>{"".join(_examples(systems, name))}</section>'
    )


def _table(systems: Sequence[tuple[int, SystemReport]], name: str) -> str:
    head = "".join(f"<th>{escape(system.name)}</th>" for _, system in systems)
    rows = []
    for figure in FIGURES:
        values = [system.sets[name].overall.get(figure) for _, system in systems]
        if any(values):
            cells = "".join(_cell(figure, value) for value in values)
            rows.append(f"<tr><td>{escape(label(figure))}</td>{cells}</tr>")
    return f'<div class="wide"><table><tr><th>figure</th>{head}</tr>{"".join(rows)}</table></div>'


def _cell(name: str, figure: Figure | None) -> str:
    if figure is None:
        return "<td>-</td>"
    low, high = (show(name, bound).removesuffix(" %") for bound in (figure.low, figure.high))
    return f"<td>{show(name, figure.value)}<small>{low}–{high}</small></td>"


def _lengths(systems: Sequence[tuple[int, SystemReport]], name: str) -> str:
    """Say how long texts are before and after, of those that each system changed."""
    said = []
    for _, system in systems:
        changed = [record for record in system.records.get(name, ()) if record.scores.changed]
        if changed:
            before = sum(len(record.text.text.split()) for record in changed) / len(changed)
            after = sum(len(record.output.text.split()) for record in changed) / len(changed)
            said.append(f"{escape(system.name)} {before:.1f} → {after:.1f} ({len(changed)} texts)")
    return f'<p class="soft">Words a text, before and after, where changed: {"; ".join(said)}</p>' if said else ""


def _scored(system: SystemReport, name: str) -> tuple[list[float], list[bool]]:
    """Return the scores and labels of a set; the made-up set of CrowS-Pairs and BOLD takes those of both."""
    names = (CROWS, BOLD) if name == CROWS_AGAINST_BOLD else (name,)
    found = [
        (record.output.score, record.is_biased)
        for part in names
        for record in system.records.get(part, ())
        if record.output.score is not None
    ]
    return [score for score, _ in found], [is_biased for _, is_biased in found]


def _curves(systems: Sequence[tuple[int, SystemReport]], name: str) -> Iterator[str]:
    """Yield ROC, precision-recall and calibration of the systems that score both labels."""
    roc, precision, calibration = [], [], []
    for number, system in systems:
        scores, labels = _scored(system, name)
        if len(set(labels)) < 2:
            continue
        roc.append(Series(system.name, number, ranking.roc_curve(scores, labels)))
        precision.append(Series(system.name, number, ranking.precision_recall_curve(scores, labels)))
        bins = [(mean, share) for mean, share, _ in ranking.calibration_curve(scores, labels)]
        calibration.append(Series(system.name, number, bins))
    if roc:
        yield curves("ROC", "neutral flagged", "biased flagged", roc, diagonal=True)
        yield curves("Precision and recall", "recall", "precision", precision)
        yield curves("Calibration", "score", "share biased", calibration, diagonal=True)


def _group_plots(systems: Sequence[tuple[int, SystemReport]], name: str) -> Iterator[str]:
    for grouping in GROUPINGS:
        for figure in GROUP_FIGURES:
            dots = [
                Dot(group, number, f.value, f.low, f.high, f"{group}, {system.name}: {show_figure(figure, f)}")
                for number, system in systems
                for group, figures in system.sets[name].groups.get(grouping, {}).items()
                if (f := figures.get(figure)) is not None
            ]
            if len({dot.row for dot in dots}) > 1:
                yield dot_plot(f"{label(figure)} by {grouping}", dots)


def _examples(systems: Sequence[tuple[int, SystemReport]], name: str) -> Iterator[str]:
    for _, system in systems:
        for kind, records in worst_examples(system.records.get(name, ())).items():
            shown = "".join(_example(record) for record in records[:EXAMPLES])
            heading = f"{kind}: {len(records)} ({system.name})"
            yield f"<details><summary>{escape(heading)}</summary>{shown}</details>"


def _example(record: ScoredText) -> str:
    facts = [record.text.id, *record.text.groups.values()]
    if record.output.score is not None:
        facts.append(f"score {record.output.score:.3f}")
    lost = [fact for fact in record.text.keep if fact not in record.output.text]
    if lost:
        facts.append(f"lost: {', '.join(lost)}")
    wanted = [word_diff(record.text.text, reference) for reference in record.text.references[:1] if record.is_biased]
    reference = f'<p class="soft">wanted: {wanted[0]}</p>' if wanted else ""
    diff = word_diff(record.text.text, record.output.text)
    return f'<article><p class="soft">{escape(" · ".join(facts))}</p><p>{diff}</p>{reference}</article>'
