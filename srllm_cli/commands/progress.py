"""Progress on standard error: what is being done, files, passages, time left. Nothing when that is no terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class WorkProgress:
    """A bar for long work (stateful; use in a ``with`` block). ``shown`` false: it does nothing, and loads nothing."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._files = self._passages = self._of = 0

    def __enter__(self) -> WorkProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, files: int, characters: int) -> None:
        """Say how much there is to do."""
        if not self._shown:
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._of = files
        self._task = self._bar.add_task("starting", total=characters)

    def message(self, text: str, share: float | None = None) -> None:
        """Say what is being done before documents come: a model that is fetched or made."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=text if share is None else f"{text} {share:.0%}")

    def passages_done(self, characters: int, passages: int) -> None:
        """Count passages that are done, with the characters that they hold together."""
        self._passages += passages
        self._advance(characters)

    def document_done(self, characters: int) -> None:
        """Count a document that is done; ``characters`` are those of it that stand in no passage."""
        self._files += 1
        self._advance(characters)

    def _advance(self, characters: int) -> None:
        if self._bar is not None and self._task is not None:
            text = f"{self._files}/{self._of} files, {self._passages} passages"
            self._bar.update(self._task, advance=characters, description=text)
