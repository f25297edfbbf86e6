"""The project's own files as documents: whatever they hold, a rewrite of every word keeps their structure."""

from __future__ import annotations

from pathlib import Path

import pytest
from format_properties import check_invariants, check_nothing_changes, rewritten, word_edits

from srllm_cli.documents import format_of, passages
from srllm_cli.documents.structure import same_structure

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = sorted(
    path
    for pattern in (
        "*.md",
        "*.toml",
        "docs/*.md",
        "examples/*",
        "srllm_cli/documents/*.py",
        "tests/documents/samples/*",
    )
    for path in ROOT.glob(pattern)
    if path.is_file() and path.suffix not in (".csv", ".jsonl", ".json")
)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_rewriting_every_word_keeps_the_structure(path: Path, line_end: str) -> None:
    source = path.read_text(encoding="utf-8").replace("\n", line_end).rstrip() + "\t"
    format = format_of(path)
    found = passages(source, format, comments=True)
    check_invariants(source, found)
    check_nothing_changes(source, found)
    after = rewritten(source, found, lambda passage: word_edits(passage, "upper"))
    assert same_structure(source, after, format)
