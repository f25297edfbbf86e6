"""Text that stands in a document in another notation: a JSON string, HTML with entities, a comment without its marks.

A view shows what the text says and remembers where every character of it stands, so that an edit of what is read
becomes edits of what is written. It knows no notation: whoever makes a view brings the function that writes a text.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from srllm_cli.debias.types import Edit


class Run(NamedTuple):
    """A stretch of a view and the stretch of the document that says it.

    Where both are of the same length the document says it literally, character by character; where they are not (an
    escape), the run is one unit that is edited whole or not at all.
    """

    start: int
    end: int
    source_start: int
    source_end: int


@dataclass(frozen=True)
class View:
    """What a part of a document says, and where.

    ``write`` puts words into the document's notation, or returns ``None`` when they cannot stand there.
    """

    text: str
    runs: tuple[Run, ...]
    write: Callable[[str], str | None]

    def source_start(self, at: int) -> int:
        """Where in the document the character at an offset begins (after the last one: where that ends)."""
        i = bisect_right(self.runs, at, key=_start) - 1
        run = self.runs[i]
        if at >= run.end:
            return run.source_end
        return run.source_start + (at - run.start if _literal(run) else 0)

    def source_end(self, at: int) -> int:
        """Where in the document the character before an offset ends."""
        i = max(bisect_left(self.runs, at, key=_start) - 1, 0)
        run = self.runs[i]
        return run.source_end - (run.end - at if _literal(run) else 0)

    def document_edits(self, edit: Edit) -> list[Edit] | None:
        """Say an edit of the view in terms of the document; ``None`` when its notation cannot bear it."""
        written = self.write(edit.replacement)
        if written is None:
            return None
        if edit.start == edit.end:
            at = self._insertion_point(edit.start)
            return None if at is None else [Edit(at, at, written)]
        spans = self._spans(edit.start, edit.end)
        if spans is None:
            return None
        return [Edit(start, end, written if k == 0 else "") for k, (start, end) in enumerate(spans)]

    def _insertion_point(self, at: int) -> int | None:
        i = bisect_right(self.runs, at, key=_start) - 1
        run = self.runs[i]
        if run.start < at < run.end:
            return run.source_start + at - run.start if _literal(run) else None
        # Between two runs: after the one that is written out, and never before a line's own marks.
        if at > 0 and self.text[at - 1] != "\n":
            return self.source_end(at)
        return self.source_start(at)

    def _spans(self, start: int, end: int) -> list[tuple[int, int]] | None:
        """The stretches of the document between start and end, what lies hidden between them left out."""
        spans: list[tuple[int, int]] = []
        i = bisect_right(self.runs, start, key=_start) - 1
        while i < len(self.runs) and self.runs[i].start < end:
            run = self.runs[i]
            low, high = max(start, run.start), min(end, run.end)
            if not _literal(run) and (low, high) != (run.start, run.end):
                return None
            if _literal(run):
                low, high = low - run.start + run.source_start, high - run.start + run.source_start
            else:
                low, high = run.source_start, run.source_end
            if spans and spans[-1][1] == low:
                spans[-1] = (spans[-1][0], high)
            else:
                spans.append((low, high))
            i += 1
        return spans


class ViewBuilder:
    """Collects what a view shows, from the front (holds state; :meth:`view` ends it)."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self._runs: list[Run] = []
        self._length = 0

    def literal(self, start: int, end: int) -> None:
        """Show a stretch of the document as it stands."""
        if start >= end:
            return
        last = self._runs[-1] if self._runs else None
        self._parts.append(self._source[start:end])
        if last is not None and _literal(last) and last.source_end == start:
            self._runs[-1] = Run(last.start, last.end + end - start, last.source_start, end)
        else:
            self._runs.append(Run(self._length, self._length + end - start, start, end))
        self._length += end - start

    def encoded(self, shown: str, start: int, end: int) -> None:
        """Show a stretch of the document as what it stands for."""
        if len(shown) == end - start and shown == self._source[start:end]:
            self.literal(start, end)
        elif shown:
            self._parts.append(shown)
            self._runs.append(Run(self._length, self._length + len(shown), start, end))
            self._length += len(shown)

    def view(self, write: Callable[[str], str | None]) -> View | None:
        """The view of all that was collected; ``None`` if that is nothing."""
        return View("".join(self._parts), tuple(self._runs), write) if self._runs else None


def _start(run: Run) -> int:
    return run.start


def _literal(run: Run) -> bool:
    return run.end - run.start == run.source_end - run.source_start
