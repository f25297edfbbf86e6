"""Results to bytes and back: JSON, since a store is a file that others could write, and JSON can only be data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from srllm_cli.debias.selection import with_edits
from srllm_cli.debias.types import Edit, Finding, Rewrite, ScoredPassage, Status

if TYPE_CHECKING:
    from srllm_cli.debias.debiaser import PassageResult


def rewrite_to_bytes(rewrite: Rewrite) -> bytes:
    """Encode a document's result; the texts in it are left out, since the document has them."""
    findings = [
        [f.start, f.end, f.replacement, f.dimension, f.score, f.status.value, f.sentence] for f in rewrite.findings
    ]
    return _dump([findings, [_scored(passage) for passage in rewrite.passages]])


def rewrite_from_bytes(data: bytes, text: str) -> Rewrite:
    """Decode a document's result."""
    listed, scored = json.loads(data)
    findings = tuple(
        Finding(start, end, text[start:end], new, dimension, score, Status(status), tuple(at) if at else None)
        for start, end, new, dimension, score, status, at in listed
    )
    return Rewrite(with_edits(text, findings), findings, tuple(ScoredPassage(*values) for values in scored))


def passage_to_bytes(result: PassageResult) -> bytes:
    """Encode a passage's result."""
    found = [
        [u.start, u.end, u.score, u.dimension, [[e.start, e.end, e.replacement] for e in u.edits], u.status.value]
        for u in result.found
    ]
    return _dump([[_scored(passage) for passage in result.scored], found])


def passage_from_bytes(data: bytes) -> PassageResult:
    """Decode a passage's result."""
    from srllm_cli.debias.debiaser import PassageResult, UnitResult

    scored, listed = json.loads(data)
    found = tuple(
        UnitResult(start, end, score, dimension, tuple(Edit(*edit) for edit in edits), Status(status))
        for start, end, score, dimension, edits, status in listed
    )
    return PassageResult(tuple(ScoredPassage(*values) for values in scored), found)


def _scored(passage: ScoredPassage) -> list[Any]:
    return [passage.start, passage.end, passage.score, passage.screened]


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
