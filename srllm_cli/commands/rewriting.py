"""Documents to results: from the store where they are known, from the model where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from srllm_cli.commands.progress import WorkProgress
from srllm_cli.commands.sources import Source
from srllm_cli.commands.terminal import say, say_error
from srllm_cli.debias.terms import Terms
from srllm_cli.debias.types import Rewrite
from srllm_cli.errors import InputError
from srllm_cli.results.reading import Reading

if TYPE_CHECKING:
    from srllm_cli.results.known import KnownDocuments
    from srllm_cli.results.store import ResultStore


class _Way(NamedTuple):
    """One way to make results: sources that share it share a loaded model."""

    model: str
    threshold: float | None
    screen: str
    gpu_layers: int
    cache: bool


def rewrite_sources(sources: Sequence[Source], progress: WorkProgress) -> Iterator[tuple[int, Rewrite]]:
    """Yield each source's number and result: those that are known first, the others as they are made.

    A document that does not follow its format is said on standard error and has no result: the others are no worse.

    Raises:
        ModelError: when a model that is needed cannot be had.
    """
    ways: dict[_Way, list[int]] = {}
    for i, source in enumerate(sources):
        if source.excluded:
            yield i, Rewrite(source.document.text)
            continue
        given = source.configuration
        ways.setdefault(_Way(given.model, given.threshold, given.screen, given.gpu_layers, given.cache), []).append(i)
    with ExitStack() as stack:
        store = _open_store(stack) if any(way.cache for way in ways) else None
        left: dict[_Way, list[int]] = {}
        for way, numbers in ways.items():
            known = _known_documents(store, way)
            results = known.find([_asked(sources[i]) for i in numbers]) if known else [None] * len(numbers)
            left[way] = [i for i, result in zip(numbers, results, strict=True) if result is None]
            yield from ((i, result) for i, result in zip(numbers, results, strict=True) if result is not None)
        missing = [i for numbers in left.values() for i in numbers]
        if missing:
            progress.begin(len(missing), sum(len(sources[i].document.text) for i in missing))
        for way, numbers in left.items():
            if numbers:
                yield from _make(sources, numbers, way, store, progress)
        if store and missing:
            store.keep_bounded()


def _asked(source: Source) -> tuple[str, Reading, Terms]:
    given = source.configuration
    return (
        source.document.text,
        Reading(source.format, given.comments, given.fields),
        Terms(given.allow, given.deny),
    )


def _open_store(stack: ExitStack) -> ResultStore | None:
    from srllm_cli.models.cache import cache_folder
    from srllm_cli.results.store import FILE, ResultStore

    try:
        return stack.enter_context(ResultStore(cache_folder() / FILE))
    except InputError as error:  # results can be made without it
        say(f"srllm: warning: {error}")
        return None


def _mark(way: _Way) -> str:
    from srllm_cli.results.known import making_mark
    from srllm_cli.results.model_id import model_id

    return making_mark(model_id(way.model), way.threshold, way.gpu_layers, _screen_id(way))


def _screen_id(way: _Way) -> str:
    """Name what screens: as it was asked for, and which model that is now."""
    from srllm_cli.models.screen import NONE
    from srllm_cli.results.model_id import model_id

    name = way.screen.rpartition("@")[0] or way.screen
    return way.screen if name in ("", NONE) else f"{way.screen} {model_id(name)}"


def _known_documents(store: ResultStore | None, way: _Way) -> KnownDocuments | None:
    if store is None or not way.cache:
        return None
    from srllm_cli.results.known import KnownDocuments

    return KnownDocuments(store, _mark(way))


def _make(
    sources: Sequence[Source], numbers: Sequence[int], way: _Way, store: ResultStore | None, progress: WorkProgress
) -> Iterator[tuple[int, Rewrite]]:
    """Have the model make results; all documents go through it together, parsed as it gets to them."""
    from srllm_cli.api import Debiaser, ParsedDocument, parse
    from srllm_cli.engines.options import EngineOptions
    from srllm_cli.results.known import KnownPassages

    known = _known_documents(store, way)
    passages = KnownPassages(store, _mark(way)) if store is not None and known else None
    parsed: list[tuple[int, ParsedDocument]] = []

    def parse_all() -> Iterator[ParsedDocument]:
        for i in numbers:
            text, reading, terms = _asked(sources[i])
            try:
                document = parse(text, reading.format, terms, comments=reading.comments, fields=reading.fields)
            except InputError as error:
                say_error(error, sources[i].name)
                progress.document_done(len(text))
                continue
            parsed.append((i, document))
            yield document

    options = EngineOptions(gpu_layers=way.gpu_layers)
    with Debiaser(
        way.model,
        way.threshold,
        screen=way.screen or None,
        options=options,
        progress=progress.message,
        passages_done=progress.passages_done,
        known_results=passages,
    ) as debiaser:
        for n, result in enumerate(debiaser.rewrite_parsed(parse_all())):
            i, document = parsed[n]
            if known:
                known.keep(*_asked(sources[i]), result)
            progress.document_done(len(document.text) - sum(len(passage.text) for passage in document.passages))
            yield i, result
