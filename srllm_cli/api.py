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
from typing import TYPE_CHECKING, TypeVar

from srllm_cli.debias.debiaser import PassageDebiaser, PassageResult, Screen, Settings, Task
from srllm_cli.debias.types import Edit, Finding, Passage, Rewrite, ScoredPassage, Status
from srllm_cli.documents import passages as parse_passages
from srllm_cli.documents.apply import PassageEditor, apply_edits
from srllm_cli.errors import ModelError
from srllm_cli.models.family import DEFAULT

if TYPE_CHECKING:
    from srllm_cli.engines.llama import EngineOptions, LlamaEngine
    from srllm_cli.models import ModelFile
    from srllm_cli.models.screen import ScreenChoice

#: Characters of passages that go through the core at a time: bounds memory whatever the document's size, and is far
#: more than a batch needs.
SLAB_CHARACTERS = 200_000
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    passages: Sequence[Passage]


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

        Raises:
            ModelError: when a model is unknown, broken or cannot be had, or cannot screen. What only llama.cpp finds
                wrong with it is raised where the model is first needed.
        """
        from srllm_cli.models import resolve
        from srllm_cli.models.screen import choose_screen
        from srllm_convert.metadata import read_protocol

        file = resolve(model, progress=progress)
        self.screen: ScreenChoice | None = choose_screen(screen, file)
        screening = resolve(self.screen.model, progress=progress) if self.screen else None
        stored = read_protocol(file.path)
        self.model_name = model
        self.model_path: Path = file.path
        own = stored.threshold if stored and stored.threshold is not None else Settings().threshold
        chosen = threshold if threshold is not None else own
        self.settings = replace(settings or Settings(), threshold=chosen)
        if screening is not None:
            _expect_scores(screening)
        self._engines: list[LlamaEngine] = []
        # One thread, ended with the loading: a model is used from the caller's thread alone.
        loader = ThreadPoolExecutor(1, thread_name_prefix="srllm-load")
        self._loading: Future[PassageDebiaser] = loader.submit(self._load_all, file, screening, options)
        loader.shutdown(wait=False)

    def _load_all(self, file: ModelFile, screening: ModelFile | None, options: EngineOptions | None) -> PassageDebiaser:
        before = None
        if self.screen and screening:
            before = Screen(self._load(screening, options), self.screen.threshold)
        return PassageDebiaser(self._load(file, options), self.settings, before)

    def _load(self, file: ModelFile, options: EngineOptions | None) -> LlamaEngine:
        from srllm_cli.engines.llama import LlamaEngine
        from srllm_convert.metadata import read_protocol

        stored = read_protocol(file.path)
        engine = LlamaEngine(file.path, stored.protocol if stored else None, options)
        self._engines.append(engine)
        return engine

    @property
    def _core(self) -> PassageDebiaser:
        """The core with its loaded models; waits for them."""
        return self._loading.result()

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
        self._loading.exception()  # wait; whoever needed the model was told what is wrong with it
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
        self, texts: Iterable[str], format: str = "plain", *, comments: bool = False, fields: Sequence[str] = ()
    ) -> Iterator[Rewrite]:
        """Rewrite many documents of one format, batched together; results come in their order."""
        documents = (_Document(text, parse_passages(text, format, comments=comments, fields=fields)) for text in texts)
        for slab in _slabs(documents, lambda document: len(document.text)):
            yield from self._rewrite_documents(slab)

    def _rewrite_documents(self, documents: Sequence[_Document]) -> Iterator[Rewrite]:
        tasks = [
            Task(passage, partial(_new_editor, document, passage))
            for document in documents
            for passage in document.passages
        ]
        slabs = _slabs(tasks, lambda task: len(task.passage.text))
        results = chain.from_iterable(map(self._core.debias, slabs))
        for document in documents:
            yield _assemble(document, [next(results) for _ in document.passages])


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


def _expect_scores(file: ModelFile) -> None:
    from srllm_convert.metadata import read_protocol

    stored = read_protocol(file.path)
    if not (stored and stored.protocol.has_score):
        raise ModelError(f"{file.name} gives no scores, so it cannot screen", hint="use --screen builtin, or none")


def _new_editor(document: _Document, passage: Passage) -> Callable[[Edit], bool]:
    editor = PassageEditor(passage, document.text)
    return lambda edit: editor.take(edit) is not None


def _assemble(document: _Document, results: Sequence[PassageResult]) -> Rewrite:
    """Put a document's findings into its own offsets, and splice the edits."""
    findings: list[Finding] = []
    scored: list[ScoredPassage] = []
    edits: list[Edit] = []
    for passage, result in zip(document.passages, results, strict=True):
        editor = PassageEditor(passage, document.text)
        for part in result.scored:
            start, end = source_span(passage, part.start, part.end)
            scored.append(replace(part, start=start, end=end))
        for unit in result.found:
            start, end = source_span(passage, unit.start, unit.end)
            made = editor.take_all(unit.edits)
            dimension = unit.dimension
            if unit.status is Status.NEEDS_REVIEW or made is None:
                # The edits of two sentences can be harmless apart and not together; then neither half is made.
                original = document.text[start:end]
                findings.append(Finding(start, end, original, None, dimension, unit.score, Status.NEEDS_REVIEW))
                continue
            for edit in made:
                original = document.text[edit.start : edit.end]
                edits.append(edit)
                findings.append(
                    Finding(edit.start, edit.end, original, edit.replacement, dimension, unit.score, unit.status)
                )
    findings.sort(key=lambda finding: (finding.start, finding.end))
    return Rewrite(apply_edits(document.text, edits), tuple(findings), tuple(scored))


def source_span(passage: Passage, start: int, end: int) -> tuple[int, int]:
    """Return the stretch of the document that ``[start, end)`` of a passage comes from, hidden mark-up included."""
    first = passage.pieces[bisect_right(passage.pieces, start, key=lambda piece: piece.end)]
    last = passage.pieces[bisect_left(passage.pieces, end, key=lambda piece: piece.start) - 1]
    low = first.source_start + min(start - first.start, first.source_end - first.source_start)
    high = last.source_end - min(last.end - end, last.source_end - last.source_start)
    return (low, high) if passage.view is None else (passage.view.source_start(low), passage.view.source_end(high))
