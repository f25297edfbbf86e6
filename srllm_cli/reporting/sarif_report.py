"""SARIF 2.1.0 (OASIS): the form in which code hosts and editors take findings, with the edits as fixes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from srllm_cli.debias.selection import by_sentence, sentence_span
from srllm_cli.debias.types import Finding, Status
from srllm_cli.reporting.document import ReportedDocument
from srllm_cli.reporting.explanations import explanations
from srllm_cli.reporting.text_report import change

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_report(version: str, documents: Sequence[ReportedDocument]) -> str:
    """Return the report; ``version`` is the tool's own."""
    rules = list(explanations())
    results = [
        _result(document, finding, group, rules)
        for document in documents
        for group in by_sentence(document.rewrite.findings)
        for finding in group
    ]
    driver = {"name": "srllm", "semanticVersion": version, "version": version, "rules": [_rule(rule) for rule in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    report = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def rule_id(dimension: str) -> str:
    """Return the id of a dimension's rule."""
    return f"bias/{dimension}"


def _rule(dimension: str) -> dict[str, Any]:
    told = explanations()[dimension]
    source = f" ({told.reference})" if told.reference else ""
    return {
        "id": rule_id(dimension),
        "name": "".join(word.capitalize() for word in dimension.split("_")),
        "shortDescription": {"text": f"Bias: {told.name}."},
        "fullDescription": {"text": told.why},
        "help": {
            "text": f"{told.why}{source} A fix, where one is given, keeps every name, number and fact; read it before "
            "you take it. A sentence that needs review has no fix that keeps them."
        },
        "defaultConfiguration": {"level": "warning"},
    }


def _result(
    document: ReportedDocument, finding: Finding, group: Sequence[Finding], rules: Sequence[str]
) -> dict[str, Any]:
    told = explanations()[finding.dimension]
    artifact = {"uri": _uri(document.path)}
    place = {
        "artifactLocation": artifact,
        "region": _region(document, finding.start, finding.end),
        "contextRegion": _region(document, *sentence_span(group)),
    }
    result: dict[str, Any] = {
        "ruleId": rule_id(finding.dimension),
        "ruleIndex": rules.index(finding.dimension),
        "level": "warning",
        "message": {"text": f"{told.name}: {change(finding)}. {told.why}"},
        "locations": [{"physicalLocation": place}],
    }
    if finding.score is not None:
        result["rank"] = round(100 * finding.score, 1)
    edits = [other for other in group if other.status is Status.REWRITTEN]
    if finding.status is Status.REWRITTEN:
        # The edits of a sentence were judged together, so each finding's fix makes all of them.
        result["fixes"] = [
            {
                "description": {"text": "Rewrite the sentence." if len(edits) > 1 else change(finding)},
                "artifactChanges": [
                    {"artifactLocation": artifact, "replacements": [_replacement(document, edit) for edit in edits]}
                ],
            }
        ]
    return result


def _replacement(document: ReportedDocument, finding: Finding) -> dict[str, Any]:
    return {
        "deletedRegion": _region(document, finding.start, finding.end),
        "insertedContent": {"text": finding.replacement or ""},
    }


def _region(document: ReportedDocument, start: int, end: int) -> dict[str, int]:
    line, column = document.place(start)
    end_line, end_column = document.place(end)
    return {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
        "charOffset": start,
        "charLength": end - start,
    }


def _uri(path: str) -> str:
    """Return a path as a URI: relative where the path is."""
    return Path(path).as_uri() if Path(path).is_absolute() else quote(Path(path).as_posix())
