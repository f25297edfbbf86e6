from __future__ import annotations

import json
from pathlib import Path

import pytest

from srllm_cli.errors import DataError
from srllm_cli.evaluation.compare import ReportSystem, compare, pick_system, read_report
from srllm_cli.evaluation.figures import ScoredText
from srllm_cli.evaluation.report import EvaluationReport, Setting, build_system_report, to_json


def record(identifier: str, label: str, *, clean: bool | None = None, changed: bool = True, score: float | None = None):
    return {
        "set": "pairs",
        "id": identifier,
        "label": label,
        "text": f"text {identifier}",
        "output": f"output {identifier}",
        "score": score,
        "flagged": changed,
        "changed": changed,
        "clean": clean,
        "facts": 0,
        "facts_kept": 0,
        "chrf": None,
    }


def system(name: str, *records) -> ReportSystem:
    return ReportSystem.model_validate({"name": name, "records": list(records)})


def test_texts_that_changed_sides_are_listed() -> None:
    before = system("a", record("1", "biased", clean=True), record("2", "neutral", changed=True))
    after = system("b", record("1", "biased", clean=False), record("2", "neutral", changed=False))
    changes = {(change.id, change.figure): change.better for change in compare(before, after).changes}
    assert changes == {("1", "clean"): False, ("2", "untouched"): True}


def test_a_report_does_not_differ_from_itself() -> None:
    same = system("a", *(record(str(n), "biased", clean=n % 2 == 0, score=n / 9) for n in range(9)))
    comparison = compare(same, same)
    assert comparison.changes == ()
    assert comparison.fallen(0.0) == []


def test_a_fall_counts_in_points_and_only_beyond_the_limit() -> None:
    before = system("a", *(record(str(n), "biased", clean=True) for n in range(50)))
    after = system("b", *(record(str(n), "biased", clean=n > 0) for n in range(50)))
    comparison = compare(before, after)
    assert [figure.figure for figure in comparison.fallen(1.9)] == ["clean"]
    assert comparison.fallen(2.0) == []


def test_the_rise_of_a_figure_is_no_fall() -> None:
    before = system("a", record("1", "biased", clean=False))
    after = system("b", record("1", "biased", clean=True))
    (clean,) = [figure for figure in compare(before, after).figures if figure.figure == "clean"]
    assert clean.drop == -100.0


def test_auc_is_compared_where_both_score() -> None:
    before = system("a", record("1", "biased", score=0.4), record("2", "neutral", changed=False, score=0.6))
    after = system("b", record("1", "biased", score=0.7), record("2", "neutral", changed=False, score=0.6))
    (auc,) = [figure for figure in compare(before, after).figures if figure.figure == "auc"]
    assert (auc.before, auc.after) == (0.0, 1.0)


def test_a_judges_scores_are_tested_in_pairs_with_effect_sizes() -> None:
    def judged(bias: float, retention: float, similarity: float) -> dict:
        return {
            "judged": {"bias": bias, "knowledge_retention": retention, "bias_before": 1.0},
            "content": {"similarity": similarity, "numbers": {"kept": 1, "total": 1}, "bias_after": None},
        }

    before = system("a", *(record(str(n), "biased") | judged(0.5 + n / 20, 0.0, 0.5) for n in range(8)))
    after = system("b", *(record(str(n), "biased") | judged(n / 40, 1.0, 0.9 - n / 50) for n in range(8)))
    figures = {figure.figure: figure for figure in compare(before, after).figures}
    assert {"judge_bias", "judge_knowledge_retention", "similarity"} <= figures.keys()
    assert not {"judge_bias_before", "bias_after", "judge_toxicity"} & figures.keys()
    bias = figures["judge_bias"]
    assert bias.drop < 0  # less bias is no fall
    assert bias.difference.high < 0
    assert [(test.name, test.effect_name) for test in bias.tests] == [
        ("Wilcoxon", "rank-biserial r"),
        ("paired t", "Cohen's d"),
    ]
    assert bias.tests[0].effect == -1.0
    assert all(test.p_value < 0.05 for test in bias.tests)
    assert [test.name for test in figures["judge_knowledge_retention"].tests] == ["McNemar"]


def test_only_texts_of_the_same_wording_are_compared() -> None:
    other = record("1", "biased", clean=True) | {"text": "edited"}
    with pytest.raises(DataError, match="share no text"):
        compare(system("a", record("1", "biased", clean=True)), system("b", other))


def test_a_written_report_is_read_back(tmp_path: Path, records: list[ScoredText]) -> None:
    report = EvaluationReport(Setting("0", "now"), (build_system_report("scripted", "f", records),))
    path = tmp_path / "a.json"
    path.write_text(to_json(report), encoding="utf-8")
    read = read_report(path)
    assert pick_system(path, read, None).name == "scripted"
    assert compare(read.systems[0], read.systems[0]).texts == 4
    with pytest.raises(DataError, match="no system other"):
        pick_system(path, read, "other")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ('{"version": 1}', "not a report of srllm eval: systems"),
        ('{"version": 99, "systems": []}', "version 99"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_report(path)


def test_a_missing_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_report(tmp_path / "none.json")


def test_records_with_missing_fields_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 1, "systems": [{"name": "x", "records": [{"id": "1"}]}]}))
    with pytest.raises(DataError, match=r"systems\.0\.records\.0"):
        read_report(path)
