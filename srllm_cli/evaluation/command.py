"""``srllm eval``: reads the texts, runs the systems, shows and writes the report.

:func:`evaluate` is the whole job as a function; the rest is options and output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from srllm_cli.errors import DataError, InputError
from srllm_cli.evaluation import run
from srllm_cli.evaluation.baselines import learn_word_list
from srllm_cli.evaluation.benchmarks import read_benchmarks
from srllm_cli.evaluation.report import EvaluationReport, Setting, build_system_report, note, tables, to_json
from srllm_cli.evaluation.systems import ReadyOutputs, SrllmSystem, System, parse_system
from srllm_cli.evaluation.texts import EvalText, from_pair
from srllm_cli.training.pairs import Pair, fingerprint, read_pairs
from srllm_cli.training.splits import split_pairs

app = typer.Typer(help="Measure a model, and whatever it is compared with, on pairs and on outside files.")


class SplitName(str, Enum):
    """Splits of the pairs; the test split is for reporting and is opened only when it is named."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What to evaluate, and on what. At least one of ``data`` and ``benchmarks`` must be given."""

    data: tuple[Path, ...] = ()
    split: SplitName = SplitName.VALIDATION
    benchmarks: tuple[Path, ...] = ()
    models: tuple[str, ...] = ("builtin",)
    threshold: float | None = None
    systems: tuple[str, ...] = ()
    limit: int | None = None
    records: Path | None = None
    fresh: bool = False


def evaluate(options: EvalOptions, progress: run.Progress | None = None) -> EvaluationReport:
    """Run every system of the options over every text, and return the figures.

    Raises:
        DataError: naming file and row, when data is missing or breaks its form.
        SrllmError: whatever a system raises: a missing model, program or extra.
    """
    if not options.data and not options.benchmarks:
        raise DataError("nothing to evaluate on", hint="give --data or --benchmarks")
    pairs, split = _read_split(options)
    texts = [from_pair(pair) for pair in split[options.split.value][: options.limit]]
    for path in options.benchmarks:
        for rows in read_benchmarks(path, options.limit).values():
            texts.extend(rows)
    if not texts:
        raise DataError(f"the split {options.split.value!r} has no record", hint="give more data or another split")
    _refuse_same_ids(texts)
    reports = []
    for system in _systems(options, split["train"], texts):
        records = run.run_system(
            system, texts, options.records or _default_folder(), fresh=options.fresh, progress=progress
        )
        if not records:
            raise DataError(f"{system.name} has no output for any of the texts")
        reports.append(build_system_report(system.name, system.fingerprint, records))
    return EvaluationReport(_setting(options, pairs), tuple(reports))


@app.callback(invoke_without_command=True)
def eval_command(
    context: typer.Context,
    data: Annotated[list[Path] | None, typer.Option(help="Pairs: .jsonl or .csv files, or a folder of them.")] = None,
    split: Annotated[SplitName, typer.Option(help="Split of the pairs.")] = SplitName.VALIDATION,
    benchmarks: Annotated[
        list[Path] | None, typer.Option(help="Outside texts: a .jsonl file, or a folder of them.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Model, as for srllm rewrite; may be repeated.  [default: builtin]")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Threshold of the verdict (the model's own if not given).")
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(
            help="What to compare with: identity, alex, wordlist, prompted:FILE.gguf, fewshot:FILE.gguf, "
            "outputs:FILE.jsonl, column:NAME, or a model; may be repeated. Without --model, only these run."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="First so many texts of each set.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Also show figures by dimension, domain, length, group or functionality; may be repeated."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report with every record.")] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of the records that a later run resumes from (in the user's cache).")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Run every text again, or go on from the records.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Measure models and baselines on pairs (by split) and on outside benchmark files."""
    if context.invoked_subcommand is not None:
        return
    models = model if model is not None else ([] if system else ["builtin"])
    options = EvalOptions(
        data=tuple(data or ()),
        split=split,
        benchmarks=tuple(benchmarks or ()),
        models=tuple(models),
        threshold=threshold,
        systems=tuple(system or ()),
        limit=limit,
        records=records,
        fresh=fresh,
    )
    report = _evaluate_with_progress(options, quiet=quiet)
    console = Console()
    for table in tables(report, by or ()):
        console.print(table)
    console.print(note(report), highlight=False)
    if json_file is not None:
        write_text(json_file, to_json(report))


def write_text(path: Path, content: str) -> None:
    """Write a report file.

    Raises:
        InputError: when it cannot be written.
    """
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _evaluate_with_progress(options: EvalOptions, *, quiet: bool) -> EvaluationReport:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        return evaluate(options, advance)


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

    systems: list[System] = [SrllmSystem(model, options.threshold) for model in options.models]
    systems += [parse_system(spec, options.threshold, word_list) for spec in options.systems]
    columns = dict.fromkeys(column for text in texts for column in text.ready)
    systems += [ReadyOutputs(column) for column in columns]
    return list({system.name: system for system in systems}.values())


def _refuse_same_ids(texts: Sequence[EvalText]) -> None:
    seen: set[tuple[str, str]] = set()
    for text in texts:
        if (text.set, text.id) in seen:
            raise DataError(f"two files are both the set {text.set!r} and hold id {text.id!r}", hint="rename one")
        seen.add((text.set, text.id))


def _setting(options: EvalOptions, pairs: Sequence[Pair]) -> Setting:
    return Setting(
        srllm=version("srllm"),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        data=tuple(map(str, options.data)),
        data_sha256=fingerprint(pairs) if pairs else None,
        split=options.split.value if options.data else None,
        benchmarks=tuple(map(str, options.benchmarks)),
        limit=options.limit,
        threshold=options.threshold,
    )


def _default_folder() -> Path:
    return user_cache_path("srllm") / "eval"
