"""What of a result the settings leave: dimensions that are acted on, findings that no baseline knows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from srllm_cli.baseline import read_baseline, without_known
from srllm_cli.debias.selection import select
from srllm_cli.reporting.document import ReportedDocument

if TYPE_CHECKING:
    from srllm_cli.baseline import Known
    from srllm_cli.commands.sources import Source
    from srllm_cli.debias.types import Rewrite


class Selector:
    """Takes out of results what the settings leave alone (holds the baselines in force, read first of all)."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Read the baselines that are in force for these sources.

        Raises:
            ConfigurationError: when one cannot be read.
        """
        named = {source.configuration.baseline for source in sources}
        self._baselines: dict[Path, Known] = {path: read_baseline(path) for path in named if path is not None}

    def select(self, source: Source, result: Rewrite) -> ReportedDocument:
        """Return the document with what is left of its result."""
        given, text = source.configuration, source.document.text
        left = select(text, result, lambda group: given.acts_on(group[0].dimension))
        counted = len(left.findings)
        if given.baseline in self._baselines:
            left = without_known(Path(source.name), text, left, given.baseline, self._baselines[given.baseline])
        return ReportedDocument(source.name, text, left, counted - len(left.findings))
