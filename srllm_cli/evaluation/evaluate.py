"""The whole evaluation as one function: texts in, systems run, report out.

Ties the room's modules together and adds no figure of its own; prints nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from srllm_cli.errors import DataError
from srllm_cli.evaluation.baselines import learn_word_list
from srllm_cli.evaluation.benchmarks import read_benchmarks
from srllm_cli.evaluation.content import score_contents
from srllm_cli.evaluation.figures import ScoredText
from srllm_cli.evaluation.options import EvalOptions, SplitName
from srllm_cli.evaluation.report import EvaluationReport, Setting, build_system_report
from srllm_cli.evaluation.run import Progress, run_system
from srllm_cli.evaluation.systems import ReadyOutputs, SrllmSystem, System, parse_system
from srllm_cli.evaluation.texts import EvalText, from_pair, spread
from srllm_cli.models.cache import cache_folder
from srllm_cli.training.pairs import Pair, fingerprint, read_pairs
from srllm_cli.training.splits import split_pairs

if TYPE_CHECKING:
    from srllm_cli.evaluation.judging import Judge

#: Adds content scores to records.
AddContent = Callable[[Sequence[ScoredText]], list[ScoredText]]


def evaluate(options: EvalOptions, progress: Progress | None = None) -> EvaluationReport:
    """Run every system of the options over every text, and return the figures.

    Raises:
        DataError: naming file and row, when data is missing or breaks its form.
        SrllmError: whatever a system raises: a missing model, program or extra.
    """
    if not options.data and not options.benchmarks:
        raise DataError("nothing to evaluate on", hint="give --data or --benchmarks")
    pairs, split = _read_split(options)
    texts = _read_texts(options, split)
    systems = _systems(options, split["train"], texts)
    folder = options.records or cache_folder() / "eval"
    reports = []
    with ExitStack() as stack:
        add_content = _content_scorer() if options.content else None
        judge = stack.enter_context(_open_judge(options, folder)) if options.judge else None
        for system in systems:
            records = run_system(system, texts, folder, fresh=options.fresh, progress=progress)
            if not records:
                raise DataError(f"{system.name} has no output for any of the texts")
            if add_content is not None:
                records = add_content(records)
            if judge is not None:
                records = _judged(judge, system.name, records, options.at_once, progress)
            reports.append(build_system_report(system.name, system.fingerprint, records))
        return EvaluationReport(_setting(options, pairs, judge), tuple(reports))


def _read_texts(options: EvalOptions, split: Mapping[str, Sequence[Pair]]) -> list[EvalText]:
    """Return the texts of the split and of the outside files, in that order."""
    texts = [from_pair(pair) for pair in spread(split[options.split.value], options.limit)]
    if options.data and not texts:
        raise DataError(f"the split {options.split.value!r} has no record", hint="give more data or another split")
    for path in options.benchmarks:
        for rows in read_benchmarks(path).values():
            texts.extend(spread(rows, options.limit))
    seen: set[tuple[str, str]] = set()
    for text in texts:
        if (text.set, text.id) in seen:
            raise DataError(f"two files are both the set {text.set!r} and hold id {text.id!r}", hint="rename one")
        seen.add((text.set, text.id))
    return texts


def _read_split(options: EvalOptions) -> tuple[list[Pair], Mapping[str, Sequence[Pair]]]:
    if not options.data:
        return [], {name.value: () for name in SplitName}
    pairs = read_pairs(options.data)
    split = split_pairs(pairs)
    return pairs, {name.value: split.named(name.value) for name in SplitName}


def _systems(options: EvalOptions, train: Sequence[Pair], texts: Sequence[EvalText]) -> list[System]:
    """Return the systems asked for, then the outputs that came with the files, each once."""

    def word_list() -> Mapping[str, str]:
        if not train:
            raise DataError("the word list is counted on training pairs", hint="give --data as well")
        return learn_word_list(train)

    systems: list[System] = [SrllmSystem(model, options.threshold, options.screen) for model in options.models]
    systems += [
        parse_system(spec, options.threshold, word_list, screen=options.screen, at_once=options.at_once)
        for spec in options.systems
    ]
    columns = dict.fromkeys(column for text in texts for column in text.ready)
    systems += [ReadyOutputs(column) for column in columns]
    distinct = list({system.fingerprint: system for system in systems}.values())
    name, count = Counter(system.name for system in distinct).most_common(1)[0] if distinct else ("", 0)
    if count > 1:
        raise DataError(f"two different systems are called {name!r}", hint="rename a file")
    return distinct


def _content_scorer() -> AddContent:
    """Load the packaged models before anything runs: a missing extra is known at once."""
    from srllm_cli.evaluation.content_models import load_bias_score, load_similarity

    bias, similarity = load_bias_score(), load_similarity()

    def add_content(records: Sequence[ScoredText]) -> list[ScoredText]:
        pairs = [(record.text.text, record.output.text) for record in records]
        scores = score_contents(pairs, bias, similarity)
        return [replace(record, content=score) for record, score in zip(records, scores, strict=True)]

    return add_content


def _open_judge(options: EvalOptions, folder: Path) -> AbstractContextManager[Judge]:
    from srllm_cli.evaluation.judging import open_judge

    return open_judge(options.judge or "", options.judge_model, folder, fresh=options.fresh)


def _judged(
    judge: Judge, name: str, records: Sequence[ScoredText], at_once: int, progress: Progress | None
) -> list[ScoredText]:
    """Add the judge's scores to the biased texts: on neutral ones ``untouched`` says it all, and asking costs."""
    biased = [record for record in records if record.is_biased]

    def advance(done: int, total: int) -> None:
        if progress is not None:
            progress(f"{name}, judged", done, total)

    pairs = [(record.text.text, record.output.text) for record in biased]
    scores = iter(judge.score_all(pairs, at_once, advance))
    return [replace(record, judged=next(scores)) if record.is_biased else record for record in records]


def _setting(options: EvalOptions, pairs: Sequence[Pair], judge: Judge | None) -> Setting:
    return Setting(
        srllm=version("srllm"),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        data=tuple(map(str, options.data)),
        data_sha256=fingerprint(pairs) if pairs else None,
        split=options.split.value if options.data else None,
        judge=None if judge is None else judge.name,
        benchmarks=tuple(map(str, options.benchmarks)),
        limit=options.limit,
        threshold=options.threshold,
        screen=options.screen,
    )
