"""Findings as continuous integration takes them: GitHub's annotations, GitLab's Code Quality report, JUnit's XML."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from srllm_cli.debias.types import Finding
from srllm_cli.reporting.document import ReportedDocument
from srllm_cli.reporting.explanations import explanation
from srllm_cli.reporting.text_report import change

#: What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def github_report(documents: Sequence[ReportedDocument]) -> str:
    """Return one workflow command a finding: GitHub shows each as an annotation of its line."""
    return "".join(f"{_annotation(document, finding)}\n" for document, finding in _all(documents))


def gitlab_report(documents: Sequence[ReportedDocument]) -> str:
    """Return a Code Quality report: a list of issues. An issue keeps its fingerprint when its line moves."""
    seen: Counter[tuple[str, str]] = Counter()
    issues = []
    for document, finding in _all(documents):
        seen[document.path, finding.original] += 1
        mark = f"{document.path}\0{finding.original}\0{seen[document.path, finding.original]}"
        issues.append(
            {
                "description": _message(finding),
                "check_name": f"srllm/{finding.dimension}",
                "fingerprint": hashlib.sha256(mark.encode("utf-8", "surrogatepass")).hexdigest(),
                "severity": "minor",
                "location": {
                    "path": _relative(document.path),
                    "lines": {
                        "begin": document.position(finding)[0],
                        "end": document.place(max(finding.start, finding.end - 1))[0],
                    },
                },
            }
        )
    return json.dumps(issues, ensure_ascii=False, indent=2) + "\n"


def junit_report(documents: Sequence[ReportedDocument]) -> str:
    """Return one suite with a test case a document; each finding is a failure of its document's case."""
    findings = sum(len(document.rewrite.findings) for document in documents)
    failed = sum(bool(document.rewrite.findings) for document in documents)
    totals = {"tests": str(len(documents)), "failures": str(failed), "errors": "0"}
    suites = ElementTree.Element("testsuites", {"name": "srllm", **totals})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "srllm", **totals, "skipped": "0", "time": "0"})
    for document in documents:
        name = _xml(document.path)
        case = ElementTree.SubElement(
            suite, "testcase", {"name": name, "classname": "srllm", "file": name, "time": "0"}
        )
        if document.rewrite.findings:
            lines = [
                f"{document.position(f)[0]}:{document.position(f)[1]}: {_message(f)}" for f in document.rewrite.findings
            ]
            count = len(lines)
            told = {"message": f"{count} {'finding' if count == 1 else 'findings'}", "type": "bias"}
            ElementTree.SubElement(case, "failure", told).text = _xml("\n".join(lines))
    ElementTree.SubElement(suite, "system-out").text = f"{findings} findings in {failed} of {len(documents)} documents"
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _all(documents: Sequence[ReportedDocument]) -> Iterator[tuple[ReportedDocument, Finding]]:
    for document in documents:
        for finding in document.rewrite.findings:
            yield document, finding


def _message(finding: Finding) -> str:
    told = explanation(finding.dimension)
    return f"{told.name}: {change(finding)}. {told.why}"


def _annotation(document: ReportedDocument, finding: Finding) -> str:
    line, column = document.position(finding)
    end_line, end_column = document.place(finding.end)
    values = {"file": _relative(document.path), "line": line, "endLine": end_line}
    if end_line == line:  # GitHub takes columns within one line only
        values |= {"col": column, "endColumn": max(column, end_column - 1)}
    values["title"] = f"srllm: {explanation(finding.dimension).name}"
    shown = ",".join(f"{key}={_property(str(value))}" for key, value in values.items())
    return f"::warning {shown}::{_data(_message(finding))}"


def _data(text: str) -> str:
    """Escape a workflow command's message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a workflow command's property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _relative(path: str) -> str:
    """Return a path as both hosts take it: without a leading ``./``, with slashes."""
    return Path(path).as_posix()


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
