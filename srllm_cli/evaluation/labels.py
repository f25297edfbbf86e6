"""How figures are shown: label, unit and direction of each, the same in tables, pages and comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from srllm_cli.evaluation.significance import Figure


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure's name for readers, its unit (``share`` is shown in per cent), and whether more is better.

    ``higher_is_better`` is ``None`` where neither is: a description, not a merit.
    """

    label: str
    unit: Literal["share", "index", "points"] = "share"
    higher_is_better: bool | None = True


#: In the order in which tables show them.
FIGURES = {
    "clean": FigureKind("clean rewrites"),
    "clean_when_changed": FigureKind("clean, of those rewritten"),
    "spans_gone": FigureKind("biased spans gone"),
    "facts_kept": FigureKind("facts kept"),
    "untouched": FigureKind("neutral untouched"),
    "false_alarms": FigureKind("neutral flagged", higher_is_better=False),
    "found": FigureKind("biased flagged"),
    "changed": FigureKind("biased changed", higher_is_better=None),
    "exact": FigureKind("same as a reference"),
    "edit_precision": FigureKind("edit precision"),
    "edit_recall": FigureKind("edit recall"),
    "edit_f05": FigureKind("edit F0.5"),
    "chrf": FigureKind("chrF", "points"),
    "auc": FigureKind("AUC", "index"),
    "auc_uncontested": FigureKind("AUC, uncontested tests", "index"),
    "average_precision": FigureKind("average precision", "index"),
    "calibration_error": FigureKind("calibration error", "index", higher_is_better=False),
    "brier": FigureKind("Brier score", "index", higher_is_better=False),
    "numbers_kept": FigureKind("numbers kept"),
    "names_kept": FigureKind("names kept"),
    "phrases_kept": FigureKind("phrases kept"),
    "words_kept": FigureKind("content words kept"),
    "similarity": FigureKind("similarity to source", "index"),
    "bias_before": FigureKind("bias score before", "index", higher_is_better=None),
    "bias_after": FigureKind("bias score after", "index", higher_is_better=False),
    "judge_bias_before": FigureKind("judge: bias before", "index", higher_is_better=None),
    "judge_bias": FigureKind("judge: bias", "index", higher_is_better=False),
    "judge_toxicity_before": FigureKind("judge: toxicity before", "index", higher_is_better=None),
    "judge_toxicity": FigureKind("judge: toxicity", "index", higher_is_better=False),
    "judge_knowledge_retention": FigureKind("judge: knowledge retention", "index"),
    "judge_faithfulness": FigureKind("judge: faithfulness", "index"),
    "judge_answer_relevancy": FigureKind("judge: answer relevancy", "index"),
}
UNKNOWN = FigureKind("", "index", None)


def label(name: str) -> str:
    """Return the label of a figure; an unknown one is its own label."""
    return FIGURES[name].label if name in FIGURES else name


def show(name: str, value: float) -> str:
    """Return a value in its figure's unit: ``87.3 %``, ``0.943``, ``61.2``."""
    unit = FIGURES.get(name, UNKNOWN).unit
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" if unit == "points" else f"{value:.3f}"


def show_figure(name: str, figure: Figure) -> str:
    """Return a figure with its interval: ``87.3 % (84.0-90.1)``."""
    low, high = show(name, figure.low).removesuffix(" %"), show(name, figure.high).removesuffix(" %")
    return f"{show(name, figure.value)} ({low}-{high})"


def points(name: str, value: float) -> float:
    """Return a value on the scale of ``--max-drop``: per cent, hundredths of an index, chrF as it is."""
    return value if FIGURES.get(name, UNKNOWN).unit == "points" else 100 * value
