from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from srllm_cli.evaluation.figures import ScoredText
from srllm_cli.evaluation.page import render_page, word_diff, worst_examples
from srllm_cli.evaluation.report import EvaluationReport, Setting, build_system_report, note, tables, to_json

GOLDEN = Path(__file__).parent / "golden_table.txt"
SETTING = Setting(srllm="0.1.0", created="2026-01-01T00:00:00+00:00", data=("data/pairs",), split="validation")


@pytest.fixture
def report(records: list[ScoredText]) -> EvaluationReport:
    return EvaluationReport(SETTING, (build_system_report("scripted", "scripted", records),))


def test_the_table_is_the_golden_one(report: EvaluationReport) -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    for table in tables(report, by=["dimension"]):
        console.print(table)
    shown = "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"
    assert shown == GOLDEN.read_text(encoding="utf-8")


def test_json_holds_every_record_with_its_scores(report: EvaluationReport) -> None:
    content = json.loads(to_json(report))
    (system,) = content["systems"]
    assert content["version"] == 1
    assert content["setting"]["test_split_opened"] is False
    assert system["figures"]["pairs"]["clean"]["value"] == 0.5
    assert system["groups"]["pairs"]["dimension"]["gender"]["found"]["texts"] == 2
    record = system["records"][1]
    assert (record["id"], record["clean"], record["facts"], record["facts_kept"]) == ("b-2", False, 2, 1)
    assert record["edits"] == {"shared": 0, "extra": 1, "missing": 1}
    assert system["words_per_second"] == pytest.approx(system["words"] / 2.0)


def test_an_opened_test_split_is_said_everywhere(records: list[ScoredText]) -> None:
    setting = Setting(srllm="0.1.0", created="now", data=("data",), split="test")
    report = EvaluationReport(setting, (build_system_report("scripted", "scripted", records),))
    assert json.loads(to_json(report))["setting"]["test_split_opened"] is True
    assert "test split was opened" in note(report)
    assert "test split was opened" in render_page(report)


def test_the_page_needs_no_network_and_draws_every_plot(report: EvaluationReport) -> None:
    page = render_page(report)
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!#)|@import|url\(|https?:", page)
    assert "<script" not in page
    for title in ("ROC", "Precision and recall", "Calibration", "Speed and quality"):
        assert f"<figcaption>{title}</figcaption>" in page


def test_a_grouping_of_several_groups_is_drawn_with_intervals(records: list[ScoredText]) -> None:
    other = dataclasses.replace(records[0].text, id="b-3", groups={"dimension": "age"})
    report = build_system_report("scripted", "f", [*records, dataclasses.replace(records[0], text=other)])
    page = render_page(EvaluationReport(SETTING, (report,)))
    assert "<figcaption>clean rewrites by dimension</figcaption>" in page
    assert 'class="whisker"' in page


def test_text_on_the_page_is_never_markup(records: list[ScoredText]) -> None:
    evil = dataclasses.replace(
        records[0].text, text="<script>alert(1)</script> & chairman", groups={"dimension": "<b>x</b>"}
    )
    changed = dataclasses.replace(records[0], text=evil)
    page = render_page(EvaluationReport(SETTING, (build_system_report("<i>", "f", [changed, *records[1:]]),)))
    assert "<script" not in page
    assert "<b>x" not in page
    assert "<i>" not in page


def test_a_word_diff_marks_what_went_and_what_came() -> None:
    assert word_diff("The chairman & co spoke", "The chair & co spoke") == (
        "The <del>chairman</del><ins>chair</ins> &amp; co spoke"
    )


def test_examples_are_sorted_into_what_went_wrong(records: list[ScoredText]) -> None:
    kinds = {kind: [record.text.id for record in found] for kind, found in worst_examples(records).items()}
    assert kinds == {"Facts lost": ["b-2"], "Neutral, changed": ["n-2"]}
