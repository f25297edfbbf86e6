"""The Python API: one object that owns a loaded model and rewrites documents.

It ties the rooms together (documents → debias → engines → debias → documents) and adds nothing of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from srllm_cli.debias.debiaser import PassageDebiaser, PassageResult, Screen, Settings, Task
from srllm_cli.debias.groups import groups
from srllm_cli.debias.terms import DENIED, Terms, is_only, spans, touches
from srllm_cli.debias.types import Edit, Finding, Passage, PieceKind, Rewrite, ScoredPassage, Status
from srllm_cli.documents import passages as parse_passages
from srllm_cli.documents.apply import PassageEditor, apply_edits
from srllm_cli.errors import ModelError
from srllm_cli.models.family import DEFAULT

if TYPE_CHECKING:
    from srllm_cli.engines.llama import LlamaEngine
    from srllm_cli.engines.options import EngineOptions
    from srllm_cli.models import ModelFile
    from srllm_cli.models.screen import ScreenChoice
    from srllm_convert.metadata import StoredProtocol

#: Characters of passages that go through the core at a time: many batches' worth, bounds memory whatever the
#: document's size, and lets results come (and be kept) while more is to be done.
SLAB_CHARACTERS = 50_000

#: Looks up results that are known, has the others made, and returns all in order.
KnownResults = Callable[[Sequence[Task], Callable[[Sequence[Task]], list[PassageResult]]], list[PassageResult]]


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document with its passages and the terms that hold for it."""

    text: str
    passages: Sequence[Passage]
    terms: Terms


def parse(
    text: str,
    format: str = "plain",
    terms: Terms | None = None,
    *,
    comments: bool = False,
    fields: Sequence[str] = (),
) -> ParsedDocument:
    """Parse a document (``format`` and the rest: see :func:`srllm_cli.documents.passages`).

    Raises:
        InputError: when it does not follow its format.
    """
    return ParsedDocument(text, parse_passages(text, format, comments=comments, fields=fields), terms or Terms())


@dataclass(frozen=True, slots=True)
class _Loading:
    """A model that was found, what screens for it, and the core when both are loaded."""

    path: Path
    screen: ScreenChoice | None
    settings: Settings
    core: Future[PassageDebiaser]


class Debiaser:
    """Rewrites documents with one model, and perhaps a second that screens for it.

    Holds the models, which are loaded while the first document is parsed; close it, or use it in a ``with`` block.
    """

    def __init__(
        self,
        model: str = DEFAULT,
        threshold: float | None = None,
        *,
        screen: str | None = None,
        settings: Settings | None = None,
        options: EngineOptions | None = None,
        progress: Callable[[str, float | None], None] | None = None,
        passages_done: Callable[[int, int], None] | None = None,
        known_results: KnownResults | None = None,
    ) -> None:
        """Find a model, and begin to load it.

        Args:
            model: ``builtin``, ``builtin-large``, a path to a GGUF, or ``hf:owner/repo/file.gguf``.
            threshold: the score from which a passage is rewritten; the model's own calibrated one when ``None``.
            screen: the model that looks first, as ``MODEL`` or ``MODEL@THRESHOLD``: what it scores below the threshold
                is not shown to ``model``. ``none`` for none; the one that ``model`` brings (``builtin-large`` does)
                when ``None``.
            settings: how to decide (``threshold`` here is ignored); the model's own when ``None``.
            options: threads and GPU layers.
            progress: called with a message and a share done while a model is fetched or built.
            passages_done: called with characters and number of the passages that are through, some at a time.
            known_results: where results of passages may be known from; the model is then had when one is not.

        Raises:
            ModelError: when a model is unknown, broken or cannot be had, or cannot screen. What only llama.cpp finds
                wrong with it is raised where the model is first needed.
        """
        self.model_name = model
        self._asked = (threshold, screen, settings or Settings(), options)
        self._progress = progress
        self._passages_done = passages_done
        self._known_results = known_results
        self._engines: list[LlamaEngine] = []
        self._had: _Loading | None = None
        if known_results is None:
            self._begin()

    def _begin(self) -> _Loading:
        """Find the model and begin to load it, the first time."""
        if self._had is None:
            from srllm_cli.models import resolve
            from srllm_cli.models.screen import choose_screen
            from srllm_convert.metadata import read_protocol

            threshold, asked, settings, options = self._asked
            file = resolve(self.model_name, progress=self._progress)
            choice = choose_screen(asked, file)
            screening = resolve(choice.model, progress=self._progress) if choice else None
            stored = read_protocol(file.path)
            screens = read_protocol(screening.path) if screening else None
            if screening and not (screens and screens.protocol.has_score):
                hint = "use --screen builtin, or none"
                raise ModelError(f"{screening.name} gives no scores, so it cannot screen", hint=hint)
            own = stored.threshold if stored and stored.threshold is not None else Settings().threshold
            settings = replace(settings, threshold=own if threshold is None else threshold)

            def load_all() -> PassageDebiaser:
                before = (
                    Screen(self._load(screening, screens, options), choice.threshold) if choice and screening else None
                )
                return PassageDebiaser(self._load(file, stored, options), settings, before)

            # One thread, ended with the loading: a model is used from the caller's thread alone.
            loader = ThreadPoolExecutor(1, thread_name_prefix="srllm-load")
            self._had = _Loading(file.path, choice, settings, loader.submit(load_all))
            loader.shutdown(wait=False)
        return self._had

    def _load(self, file: ModelFile, stored: StoredProtocol | None, options: EngineOptions | None) -> LlamaEngine:
        from srllm_cli.engines.llama import LlamaEngine

        engine = LlamaEngine(file.path, stored.protocol if stored else None, options)
        self._engines.append(engine)
        return engine

    @property
    def _core(self) -> PassageDebiaser:
        """The core with its loaded models; waits for them."""
        return self._begin().core.result()

    @property
    def settings(self) -> Settings:
        """How it decides."""
        return self._begin().settings

    @property
    def screen(self) -> ScreenChoice | None:
        """What screens for the model."""
        return self._begin().screen

    @property
    def model_path(self) -> Path:
        """The model's file."""
        return self._begin().path

    @property
    def threshold(self) -> float:
        """The score from which a passage is rewritten."""
        return self.settings.threshold

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return the model's score of each paragraph, as it stands and without the screen.

        Raises:
            ModelError: when the model gives no scores.
        """
        return self._core.engine.score(texts)

    def close(self) -> None:
        """Free the models."""
        if self._had is not None:
            self._had.core.exception()  # wait; whoever needed the model was told what is wrong with it
        for engine in self._engines:
            engine.close()

    def __enter__(self) -> Debiaser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rewrite(
        self, text: str, format: str = "plain", *, comments: bool = False, fields: Sequence[str] = ()
    ) -> Rewrite:
        """Rewrite one document (``format`` and the rest: see :func:`srllm_cli.documents.passages`)."""
        return next(self.rewrite_all([text], format, comments=comments, fields=fields))

    def rewrite_all(
        self,
        texts: Iterable[str],
        format: str = "plain",
        terms: Terms | None = None,
        *,
        comments: bool = False,
        fields: Sequence[str] = (),
    ) -> Iterator[Rewrite]:
        """Rewrite many documents of one format, batched together; results come in their order.

        ``terms`` holds for all of them.
        """
        return self.rewrite_parsed(parse(text, format, terms, comments=comments, fields=fields) for text in texts)

    def rewrite_parsed(self, documents: Iterable[ParsedDocument]) -> Iterator[Rewrite]:
        """Rewrite documents, batched together; results come in their order."""
        for slab in groups(documents, lambda document: len(document.text), SLAB_CHARACTERS):
            yield from self._rewrite_documents(slab)

    def _rewrite_documents(self, documents: Sequence[ParsedDocument]) -> Iterator[Rewrite]:
        tasks = [
            Task(passage, partial(_new_editor, document, passage), _context(document, passage))
            for document in documents
            for passage in document.passages
        ]
        slabs = groups(tasks, lambda task: len(task.passage.text), SLAB_CHARACTERS)
        results = chain.from_iterable(map(self._debias, slabs))
        for document in documents:
            yield _assemble(document, [next(results) for _ in document.passages])

    def _debias(self, tasks: Sequence[Task]) -> list[PassageResult]:
        def make(missing: Sequence[Task]) -> list[PassageResult]:
            return self._core.debias(missing)

        results = make(tasks) if self._known_results is None else self._known_results(tasks, make)
        if self._passages_done:
            self._passages_done(sum(len(task.passage.text) for task in tasks), len(tasks))
        return results


def _new_editor(document: ParsedDocument, passage: Passage) -> Callable[[Edit], bool]:
    editor = PassageEditor(passage, document.text)
    return lambda edit: editor.take(edit) is not None


def _context(document: ParsedDocument, passage: Passage) -> str:
    """What a passage's result depends on beside the passage: the lines that it stands in, and those beside them."""
    text = document.text
    low = text.rfind("\n", 0, max(0, text.rfind("\n", 0, passage.source_start))) + 1
    end = text.find("\n", passage.source_end)
    high = text.find("\n", end + 1) if end >= 0 else -1
    return text[low : high if high >= 0 else len(text)]


def _assemble(document: ParsedDocument, results: Sequence[PassageResult]) -> Rewrite:
    """Put a document's findings into its own offsets, and splice the edits."""
    findings: list[Finding] = []
    scored: list[ScoredPassage] = []
    edits: list[Edit] = []
    for passage, result in zip(document.passages, results, strict=True):
        editor = PassageEditor(passage, document.text)
        for part in result.scored:
            start, end = source_span(passage, part.start, part.end)
            scored.append(replace(part, start=start, end=end))
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


def _denied(document: ParsedDocument, passage: Passage, findings: Sequence[Finding]) -> list[Finding]:
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
    return (low, high) if passage.view is None else (passage.view.source_start(low), passage.view.source_end(high))
