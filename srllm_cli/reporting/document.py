"""What reporting needs to know of a document: its name, its text before, and its result."""

from __future__ import annotations

from dataclasses import dataclass

from srllm_cli.debias.types import Finding, Rewrite, Status


@dataclass(frozen=True, slots=True)
class ReportedDocument:
    """One document with its result. ``path`` is what the user gave (``-`` for standard input)."""

    path: str
    before: str
    rewrite: Rewrite

    @property
    def changed(self) -> bool:
        """Whether the rewrite differs from the document."""
        return self.rewrite.text != self.before

    def count(self, status: Status) -> int:
        """Return how many findings have that status."""
        return sum(finding.status is status for finding in self.rewrite.findings)

    def position(self, finding: Finding) -> tuple[int, int]:
        """Return the finding's line and column, both counted from 1, in characters."""
        line = self.before.count("\n", 0, finding.start) + 1
        column = finding.start - (self.before.rfind("\n", 0, finding.start) + 1) + 1
        return line, column
