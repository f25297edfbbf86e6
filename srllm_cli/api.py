"""The Python API: one object that owns a loaded model and rewrites documents.

It ties the rooms together (documents → debias → engines → debias → documents) and adds nothing of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from srllm_cli.debias.debiaser import PassageDebiaser, PassageResult, Settings, Task
from srllm_cli.debias.terms import DENIED, Terms, is_only, spans, touches
from srllm_cli.debias.types import Edit, Finding, Passage, PieceKind, Rewrite, ScoredPassage, Status
from srllm_cli.documents import passages as parse_passages
from srllm_cli.documents.apply import PassageEditor, apply_edits

if TYPE_CHECKING:
    from srllm_cli.engines.llama import LlamaEngine
    from srllm_cli.engines.options import EngineOptions

#: Characters of passages that go through the core at a time: many batches' worth, bounds memory whatever the
#: document's size, and lets results come (and be kept) while more is to be done.
SLAB_CHARACTERS = 50_000
Item = TypeVar("Item")

#: Looks up results that are known, has the others made, and returns all in order.
KnownResults = Callable[[Sequence[Task], Callable[[Sequence[Task]], list[PassageResult]]], list[PassageResult]]


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    passages: Sequence[Passage]
    terms: Terms


class Debiaser:
    """Rewrites documents with one model (holds the loaded model; close it, or use it in a ``with`` block)."""

    def __init__(
        self,
        model: str = "builtin",
        threshold: float | None = None,
        *,
        settings: Settings | None = None,
        options: EngineOptions | None = None,
        progress: Callable[[str, float | None], None] | None = None,
        known_results: KnownResults | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: ``builtin``, a path to a GGUF, or ``hf:owner/repo/file.gguf``.
            threshold: the score from which a passage is rewritten; the model's own calibrated one when ``None``.
            settings: how to decide (``threshold`` here is ignored); the model's own when ``None``.
            options: threads and GPU layers.
            progress: called with a message and a share done while a model is fetched or built.
            known_results: where results of passages may be known from; the model is then loaded when one is not.

        Raises:
            ModelError: when the model is unknown, broken or cannot be had.
        """
        self.model_name = model
        self._asked = (threshold, settings or Settings(), options)
        self._progress = progress
        self._known_results = known_results
        self._loaded: PassageDebiaser | None = None
        self._engine: LlamaEngine | None = None
        if known_results is None:
            self._load()

    def _load(self) -> PassageDebiaser:
        """Return the core with its engine, loading the model the first time."""
        if self._loaded is None:
            from srllm_cli.engines.llama import LlamaEngine
            from srllm_cli.models import resolve
            from srllm_convert.metadata import read_protocol

            threshold, settings, options = self._asked
            file = resolve(self.model_name, progress=self._progress)
            stored = read_protocol(file.path)
            own = stored.threshold if stored and stored.threshold is not None else Settings().threshold
            settings = replace(settings, threshold=own if threshold is None else threshold)
            self._engine = LlamaEngine(file.path, stored.protocol if stored else None, options)
            self._loaded = PassageDebiaser(self._engine, settings)
            self._model_path = file.path
        return self._loaded

    @property
    def settings(self) -> Settings:
        """How it decides."""
        return self._load().settings

    @property
    def model_path(self) -> Path:
        """The model's file."""
        self._load()
        return self._model_path

    @property
    def threshold(self) -> float:
        """The score from which a passage is rewritten."""
        return self.settings.threshold

    def close(self) -> None:
        """Free the model."""
        if self._engine is not None:
            self._engine.close()
            self._engine = self._loaded = None

    def __enter__(self) -> Debiaser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rewrite(self, text: str, format: str = "plain") -> Rewrite:
        """Rewrite one document (``format``: ``plain`` or ``markdown``)."""
        return next(self.rewrite_all([text], format))

    def rewrite_all(self, texts: Iterable[str], format: str = "plain", terms: Terms | None = None) -> Iterator[Rewrite]:
        """Rewrite many documents, batched together; results come in their order. ``terms`` holds for all of them."""
        documents = (_Document(text, parse_passages(text, format), terms or Terms()) for text in texts)
        for slab in _slabs(documents, lambda document: len(document.text)):
            yield from self._rewrite_documents(slab)

    def _rewrite_documents(self, documents: Sequence[_Document]) -> Iterator[Rewrite]:
        tasks = [
            Task(passage, partial(_new_editor, document, passage), _context(document, passage))
            for document in documents
            for passage in document.passages
        ]
        slabs = _slabs(tasks, lambda task: len(task.passage.text))
        results = chain.from_iterable(map(self._debias, slabs))
        for document in documents:
            yield _assemble(document, [next(results) for _ in document.passages])

    def _debias(self, tasks: Sequence[Task]) -> list[PassageResult]:
        if self._known_results is None:
            return self._load().debias(tasks)
        return self._known_results(tasks, lambda missing: self._load().debias(missing))


def _slabs(items: Iterable[Item], size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Group items, in order, until a group's size reaches a slab's."""
    slab: list[Item] = []
    size = 0
    for item in items:
        slab.append(item)
        size += size_of(item)
        if size >= SLAB_CHARACTERS:
            yield slab
            slab, size = [], 0
    if slab:
        yield slab


def _new_editor(document: _Document, passage: Passage) -> Callable[[Edit], bool]:
    editor = PassageEditor(passage, document.text)
    return lambda edit: editor.take(edit) is not None


def _context(document: _Document, passage: Passage) -> str:
    """What a passage's result depends on beside the passage: the lines that it stands in, and those beside them."""
    text = document.text
    low = text.rfind("\n", 0, max(0, text.rfind("\n", 0, passage.source_start))) + 1
    end = text.find("\n", passage.source_end)
    high = text.find("\n", end + 1) if end >= 0 else -1
    return text[low : high if high >= 0 else len(text)]


def _assemble(document: _Document, results: Sequence[PassageResult]) -> Rewrite:
    """Put a document's findings into its own offsets, and splice the edits."""
    findings: list[Finding] = []
    scored: list[ScoredPassage] = []
    edits: list[Edit] = []
    for passage, result in zip(document.passages, results, strict=True):
        editor = PassageEditor(passage, document.text)
        for low, high, score in result.scored:
            scored.append(ScoredPassage(*source_span(passage, low, high), score))
        allowed = list(spans(document.terms.allow, passage.text))
        for unit in result.found:
            start, end = sentence = source_span(passage, unit.start, unit.end)
            if unit.status is Status.NEEDS_REVIEW and any(touches(unit.start, unit.end, span) for span in allowed):
                continue  # the term may well be all that the model found
            if unit.edits and all(is_only(passage.text, edit.start, edit.end, allowed) for edit in unit.edits):
                continue
            # The edits of two sentences can be harmless apart and not together; then neither half is made.
            made = None if any(_touches(edit, allowed) for edit in unit.edits) else editor.take_all(unit.edits)
            if unit.status is Status.NEEDS_REVIEW or made is None:
                status, made = Status.NEEDS_REVIEW, [Edit(start, end, "")]
            else:
                status = Status.REWRITTEN
                edits += made
            for edit in made:
                original = document.text[edit.start : edit.end]
                new = edit.replacement if status is Status.REWRITTEN else None
                findings.append(
                    Finding(edit.start, edit.end, original, new, unit.dimension, unit.score, status, sentence)
                )
        findings += _denied(document, passage, findings)
    findings.sort(key=lambda finding: (finding.start, finding.end))
    return Rewrite(apply_edits(document.text, edits), tuple(findings), tuple(scored))


def _touches(edit: Edit, allowed: Sequence[tuple[int, int]]) -> bool:
    return any(touches(edit.start, edit.end, span) for span in allowed)


def _denied(document: _Document, passage: Passage, findings: Sequence[Finding]) -> list[Finding]:
    """Return a finding for each denied term of a passage's open text that no finding so far covers."""
    found: list[Finding] = []
    for low, high in spans(document.terms.deny, passage.text):
        touched = [piece for piece in passage.pieces if piece.start < high and piece.end > low]
        start, end = source_span(passage, low, high)
        covered = any(touches(start, end, (finding.start, finding.end)) for finding in findings)
        if not covered and all(piece.kind is not PieceKind.FIXED for piece in touched):
            original = document.text[start:end]
            found.append(Finding(start, end, original, None, DENIED, None, Status.NEEDS_REVIEW))
    return found


def source_span(passage: Passage, start: int, end: int) -> tuple[int, int]:
    """Return the stretch of the document that ``[start, end)`` of a passage comes from, hidden mark-up included."""
    first = passage.pieces[bisect_right(passage.pieces, start, key=lambda piece: piece.end)]
    last = passage.pieces[bisect_left(passage.pieces, end, key=lambda piece: piece.start) - 1]
    low = first.source_start + min(start - first.start, first.source_end - first.source_start)
    high = last.source_end - min(last.end - end, last.source_end - last.source_start)
    return low, high
