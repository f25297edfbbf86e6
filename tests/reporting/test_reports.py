"""The forms in which findings are reported, each checked as what reads it would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from srllm_cli.debias.debiaser import UNKNOWN_DIMENSION
from srllm_cli.debias.selection import with_edits
from srllm_cli.debias.terms import DENIED
from srllm_cli.debias.types import DIMENSIONS, Finding, Rewrite, Status
from srllm_cli.reporting.ci_reports import github_report, gitlab_report, junit_report
from srllm_cli.reporting.document import ReportedDocument
from srllm_cli.reporting.explanations import explanations
from srllm_cli.reporting.json_report import json_lines
from srllm_cli.reporting.sarif_report import sarif_report
from srllm_cli.reporting.text_report import sentence_reports, underlined

TEXT = "Ice melts.\n\nThe chairman said: “naïve 🙂” and\nmanned the desk, 100%. It is\x1b[31m hopeless.\n"


def finding(old: str, new: str | None, dimension: str = "gender", sentence: str | None = None) -> Finding:
    start = TEXT.index(old)
    low = TEXT.index(sentence) if sentence else 0
    status = Status.NEEDS_REVIEW if new is None else Status.REWRITTEN
    where = (low, low + len(sentence)) if sentence else None
    return Finding(start, start + len(old), old, new, dimension, 0.9, status, where)


SENTENCE = TEXT[TEXT.index("The chairman") : TEXT.index(" It is")]
REVIEWED = TEXT[TEXT.index("It is") : -1]


@pytest.fixture
def document() -> ReportedDocument:
    findings = (
        finding("chairman", "chair", sentence=SENTENCE),
        finding("manned", "staffed", sentence=SENTENCE),
        finding(REVIEWED, None, "toxicity", sentence=REVIEWED),
    )
    return ReportedDocument("docs/a b,c.md", TEXT, Rewrite(with_edits(TEXT, findings), findings))


def test_each_dimension_is_explained_in_one_sentence_with_its_rules(root: Path) -> None:
    told = explanations()
    assert set(told) == {*DIMENSIONS, UNKNOWN_DIMENSION, DENIED}
    guideline = (root / "data" / "GUIDELINES.md").read_text(encoding="utf-8")
    for explanation in told.values():
        assert explanation.why.endswith(".") and ". " not in explanation.why
        for rule in explanation.rules:
            assert re.search(rf"^{rule}\. ", guideline, re.M)
        assert explanation.source == "data/GUIDELINES.md"


def test_text_shows_the_sentence_once_with_the_words_underlined(document: ReportedDocument) -> None:
    first, second = sentence_reports(document)
    lines = first.splitlines()
    assert lines[0] == "docs/a b,c.md:3:5: gender (0.90): “chairman” → “chair”"
    assert lines[1] == "docs/a b,c.md:4:1: gender (0.90): “manned” → “staffed”"
    assert lines[2] == "    The chairman said: “naïve 🙂” and manned the desk, 100%."
    # The emoji is two columns wide.
    assert lines[3] == "        ^^^^^^^^" + " " * 22 + "^^^^^^"
    assert lines[4] == "    → The chair said: “naïve 🙂” and staffed the desk, 100%."
    assert lines[5] == f"    gender: {explanations()['gender'].why}"
    assert "needs review" in second and "→" not in second
    assert "\x1b" not in second


def test_text_is_coloured_on_request_only(document: ReportedDocument) -> None:
    assert "\x1b[31m" not in "".join(sentence_reports(document))
    assert "\x1b[31m" in "".join(sentence_reports(document, colour=True))


def test_a_long_sentence_is_shown_in_lines_that_fit() -> None:
    text = " ".join(f"word{i}" for i in range(60)) + " chairman " + "x" * 200
    at = text.index("chairman")
    lines = list(underlined(text, 0, len(text), [(at, at + 8)]))
    assert all(len(line) <= 96 or line.startswith("xxx") for line, _ in lines)
    assert " ".join(line for line, _ in lines) == text
    ((line, marks),) = [(line, marks) for line, marks in lines if marks]
    assert line[marks.index("^") : len(marks)] == "chairman"


def test_json_lines_are_one_finding_each(document: ReportedDocument) -> None:
    rows = [json.loads(line) for line in json_lines([document]).splitlines()]
    assert [(row["path"], row["line"], row["column"], row["replacement"]) for row in rows] == [
        ("docs/a b,c.md", 3, 5, "chair"),
        ("docs/a b,c.md", 4, 1, "staffed"),
        ("docs/a b,c.md", 4, 24, None),
    ]
    assert all(TEXT[row["start"] : row["end"]] == row["original"] and row["why"] for row in rows)


def test_sarif_is_valid_and_its_fixes_make_the_rewrite(document: ReportedDocument) -> None:
    schema = json.loads((Path(__file__).parent / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    report = json.loads(sarif_report("1.2.3", [document, ReportedDocument("clean.md", "", Rewrite(""))]))
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(report)
    (run,) = report["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == {f"bias/{dimension}" for dimension in explanations()}
    assert all(rule["help"]["text"] for rule in rules)
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [r["ruleId"] for r in run["results"]]
    first = run["results"][0]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "docs/a%20b%2Cc.md"
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (3, 5)
    text = TEXT
    for change in reversed(first["fixes"][0]["artifactChanges"][0]["replacements"]):
        start = change["deletedRegion"]["charOffset"]
        end = start + change["deletedRegion"]["charLength"]
        text = text[:start] + change["insertedContent"]["text"] + text[end:]
    assert text == document.rewrite.text
    assert "fixes" not in run["results"][2]


def test_github_annotations_are_one_escaped_line_each(document: ReportedDocument) -> None:
    lines = github_report([document]).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(
        "::warning file=docs/a b%2Cc.md,line=3,endLine=3,col=5,endColumn=12,title=srllm%3A gender::"
    )
    text = "100% “a\nb”"
    found = (Finding(0, len(text), text, "x\ny", "age", None, Status.REWRITTEN),)
    (line,) = github_report([ReportedDocument("a.md", text, Rewrite("x\ny", found))]).splitlines()
    assert "100%25" in line and ",col=" not in line


def test_gitlab_issues_have_distinct_and_lasting_fingerprints(document: ReportedDocument) -> None:
    issues = json.loads(gitlab_report([document]))
    assert {key for issue in issues for key in issue} == {
        *("description", "check_name", "fingerprint"),
        *("severity", "location"),
    }
    assert len({issue["fingerprint"] for issue in issues}) == 3
    assert issues[1]["location"] == {"path": "docs/a b,c.md", "lines": {"begin": 4, "end": 4}}
    moved = [
        Finding(f.start + 9, f.end + 9, f.original, f.replacement, f.dimension, f.score, f.status)
        for f in document.rewrite.findings
    ]
    later = ReportedDocument(document.path, "A line.\n\n" + TEXT, Rewrite("A line.\n\n" + TEXT, tuple(moved)))
    assert [i["fingerprint"] for i in json.loads(gitlab_report([later]))] == [i["fingerprint"] for i in issues]


def test_junit_counts_documents_and_survives_what_xml_cannot_hold(document: ReportedDocument) -> None:
    report = junit_report([document, ReportedDocument("clean.md", "", Rewrite(""))])
    suites = ElementTree.fromstring(report.encode())
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    cases = list(suites.iter("testcase"))
    assert [case.get("name") for case in cases] == ["docs/a b,c.md", "clean.md"]
    failure = cases[0].find("failure")
    assert failure is not None and failure.text is not None
    assert failure.text.startswith("3:5: gender: “chairman” → “chair”.")
    assert cases[1].find("failure") is None


def test_reports_without_findings_are_whole() -> None:
    assert json.loads(gitlab_report([])) == []
    assert github_report([]) == json_lines([]) == ""
    assert json.loads(sarif_report("0", []))["runs"][0]["results"] == []
    assert ElementTree.fromstring(junit_report([])).get("tests") == "0"
