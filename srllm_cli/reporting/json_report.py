"""The JSON result, version 1: a contract, described in ``docs/json.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from srllm_cli.debias.types import Finding, ScoredPassage
from srllm_cli.reporting.document import ReportedDocument
from srllm_cli.reporting.explanations import explanation

if TYPE_CHECKING:
    from srllm_cli.models.screen import ScreenChoice

VERSION = 1


def json_report(model: str, documents: Sequence[ReportedDocument], screen: ScreenChoice | None = None) -> str:
    """Return the whole report as one JSON object, with a line break at the end."""
    report = {
        "version": VERSION,
        "model": model,
        "screen": _screen(screen, documents) if screen else None,
        "documents": [_document(document) for document in documents],
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def _screen(screen: ScreenChoice, documents: Sequence[ReportedDocument]) -> dict[str, Any]:
    passed_over = sum(passage.screened for document in documents for passage in document.rewrite.passages)
    return {"model": screen.model, "threshold": screen.threshold, "passed_over": passed_over}


def json_lines(documents: Sequence[ReportedDocument]) -> str:
    """Return one JSON object a line, each a finding with its document and place."""
    return "".join(
        json.dumps({"path": document.path, **_placed(document, finding)}, ensure_ascii=False) + "\n"
        for document in documents
        for finding in document.rewrite.findings
    )


def _placed(document: ReportedDocument, finding: Finding) -> dict[str, Any]:
    line, column = document.position(finding)
    return {"line": line, "column": column, **_finding(finding), "why": explanation(finding.dimension).why}


def _document(document: ReportedDocument) -> dict[str, Any]:
    return {
        "path": document.path,
        "changed": document.changed,
        "text": document.rewrite.text,
        "findings": [_finding(finding) for finding in document.rewrite.findings],
        "passages": [_passage(passage) for passage in document.rewrite.passages],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "start": finding.start,
        "end": finding.end,
        "original": finding.original,
        "replacement": finding.replacement,
        "dimension": finding.dimension,
        "score": _rounded(finding.score),
        "status": finding.status.value,
    }


def _passage(passage: ScoredPassage) -> dict[str, Any]:
    return {
        "start": passage.start,
        "end": passage.end,
        "score": _rounded(passage.score),
        "screened": passage.screened,
    }


def _rounded(score: float | None) -> float | None:
    """Six digits are more than the model's arithmetic gives."""
    return None if score is None else round(score, 6)
