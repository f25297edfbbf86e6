"""What reporting needs to know of a document: its name, its text before, and its result."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from srllm_cli.debias.types import Finding, Rewrite, Status


@dataclass(frozen=True, slots=True)
class ReportedDocument:
    """One document with its result. ``path`` is what the user gave (``-`` for standard input).

    ``known`` counts the findings that were left out since a baseline knows them.
    """

    path: str
    before: str
    rewrite: Rewrite
    known: int = 0
    _line_starts: list[int] = field(default_factory=list, repr=False, compare=False)

    @property
    def changed(self) -> bool:
        """Whether the rewrite differs from the document."""
        return self.rewrite.text != self.before

    def count(self, status: Status) -> int:
        """Return how many findings have that status."""
        return sum(finding.status is status for finding in self.rewrite.findings)

    def position(self, finding: Finding) -> tuple[int, int]:
        """Return the finding's line and column, both counted from 1, in characters."""
        return self.place(finding.start)

    def place(self, offset: int) -> tuple[int, int]:
        """Return an offset's line and column, both counted from 1, in characters."""
        if not self._line_starts:
            self._line_starts.append(0)
            at = self.before.find("\n")
            while at >= 0:
                self._line_starts.append(at + 1)
                at = self.before.find("\n", at + 1)
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1
