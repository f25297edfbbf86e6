"""``srllm eval`` and its subcommands ``compare``, ``convert`` and ``model``: options and output.

The evaluation's code is imported when a command runs, so that the command line can mount this app at no cost.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srllm_cli.errors import DataError, InputError
from srllm_cli.evaluation.options import EvalOptions, SplitName
from srllm_cli.models.family import DEFAULT

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from srllm_cli.evaluation.compare import Change
    from srllm_cli.evaluation.report import EvaluationReport

app = typer.Typer(help="Measure a model, and whatever it is compared with, on pairs and on outside files.")


@app.callback(invoke_without_command=True)
def eval_command(
    context: typer.Context,
    data: Annotated[list[Path] | None, typer.Option(help="Pairs: .jsonl or .csv files, or a folder of them.")] = None,
    split: Annotated[SplitName, typer.Option(help="Split of the pairs.")] = SplitName.VALIDATION,
    benchmarks: Annotated[
        list[Path] | None, typer.Option(help="Outside texts: a .jsonl file, or a folder of them.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help=f"Model, as for srllm rewrite; may be repeated. {DEFAULT} if nothing is named."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Threshold of the verdict (the model's own if not given).")
    ] = None,
    screen: Annotated[
        str | None,
        typer.Option(
            metavar="none|MODEL[@SCORE]", help="What screens for the models, as for srllm rewrite (each model's own)."
        ),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(
            help="What to compare with: identity, alex, wordlist, prompted:FILE.gguf, fewshot:FILE.gguf, "
            "adapter:BASE.gguf+ADAPTER.gguf, server:URL#MODEL, outputs:FILE.jsonl, column:NAME, or a model; may be "
            "repeated. Without --model, only these run."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many texts of each set, evenly spread.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Also show figures by dimension, domain, length, group or functionality; may be repeated."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report with every record.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write the report as one page with plots.")] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of the records that a later run resumes from (in the user's cache).")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Run every text again, or go on from the records.")
    ] = False,
    content: Annotated[
        bool,
        typer.Option("--content", help="Also what is kept, similarity and bias score of the rewrites (extra eval)."),
    ] = False,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Also ask a language model behind this OpenAI-compatible address (extra judge; key in "
            "SRLLM_JUDGE_API_KEY). The texts are sent there.",
        ),
    ] = None,
    judge_model: Annotated[str | None, typer.Option(help="The judge's name there (its only model).")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Requests under way to a server.")] = 4,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Measure models and baselines on pairs (by split) and on outside benchmark files."""
    if context.invoked_subcommand is not None:
        return
    from srllm_cli.evaluation.page import render_page
    from srllm_cli.evaluation.report import note, tables, to_json

    models = model if model is not None else ([] if system else [DEFAULT])
    options = EvalOptions(
        data=tuple(data or ()),
        split=split,
        benchmarks=tuple(benchmarks or ()),
        models=tuple(models),
        threshold=threshold,
        screen=screen,
        systems=tuple(system or ()),
        limit=limit,
        records=records,
        fresh=fresh,
        content=content,
        judge=judge,
        judge_model=judge_model,
        at_once=at_once,
    )
    report = _evaluate_with_progress(options, quiet=quiet)
    console = _console()
    for table in tables(report, by or ()):
        console.print(table)
    console.print(note(report), highlight=False)
    if json_file is not None:
        write_text(json_file, to_json(report))
    if html_file is not None:
        write_text(html_file, render_page(report))


@app.command("compare")
def compare_command(
    before: Annotated[Path, typer.Argument(help="Report that srllm eval --json wrote.")],
    after: Annotated[Path, typer.Argument(help="The newer one.")],
    system_before: Annotated[str | None, typer.Option(help="System of the first report (its first).")] = None,
    system_after: Annotated[str | None, typer.Option(help="System of the second report (its first).")] = None,
    max_drop: Annotated[
        float | None, typer.Option(min=0.0, help="Exit with 1 when a figure falls by more points than this.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="Texts to list that got worse, and that got better.")] = 10,
) -> None:
    """Show what got better and what got worse between two reports, text by text."""
    from srllm_cli.evaluation import compare as comparing
    from srllm_cli.evaluation.labels import label

    first = comparing.pick_system(before, comparing.read_report(before), system_before)
    second = comparing.pick_system(after, comparing.read_report(after), system_after)
    comparison = comparing.compare(first, second)
    console = _console()
    console.print(comparing.comparison_table(comparison))
    for better, word in ((False, "worse"), (True, "better")):
        changes = [change for change in comparison.changes if change.better is better]
        console.print(f"{len(changes)} texts got {word}", style="bold", highlight=False)
        for change in changes[:show]:
            _print_change(console, change)
    if max_drop is not None and (fallen := comparison.fallen(max_drop)):
        for figure in fallen:
            console.print(
                f"{figure.set}: {label(figure.figure)} fell by {figure.drop:.1f} points, more than {max_drop:g}",
                highlight=False,
            )
        raise typer.Exit(1)


@app.command("convert")
def convert_command(
    source: Annotated[
        str,
        typer.Argument(
            help="crows_pairs, bold_wikipedia, hatecheck, paradetox, mbias_test, toxigen_mbias or wnc_sample."
        ),
    ],
    files: Annotated[list[Path], typer.Argument(help="The source's own files, as its authors publish them.")],
) -> None:
    """Convert a public benchmark's own files to JSON Lines, on standard output. Nothing is fetched."""
    from srllm_cli.evaluation.convert import convert, to_line

    for row in convert(source, files):
        sys.stdout.buffer.write(to_line(row).encode())  # UTF-8 whatever the locale
    sys.stdout.buffer.flush()


@app.command("model")
def model_command(
    model: Annotated[str, typer.Argument(help="Model, as for srllm rewrite.")],
    crows: Annotated[Path | None, typer.Option(help="CrowS-Pairs as JSON Lines (text, counterpart).")] = None,
    stereoset: Annotated[Path | None, typer.Option(help="StereoSet's own dev.json.")] = None,
    text: Annotated[Path | None, typer.Option(help="Neutral texts (.jsonl) to take the perplexity of.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many items of each, evenly spread.")] = None,
) -> None:
    """Measure the language model itself: what it finds likely, before and after tuning."""
    from srllm_cli.evaluation import language_model
    from srllm_cli.evaluation.benchmarks import read_benchmarks
    from srllm_cli.evaluation.labels import show_figure
    from srllm_cli.evaluation.texts import spread
    from srllm_cli.models import resolve

    if crows is None and stereoset is None and text is None:
        raise DataError("nothing to measure on", hint="give --crows, --stereoset or --text")
    pairs = spread(language_model.read_crows_pairs(crows), limit) if crows else []
    items = spread(language_model.read_stereoset(stereoset), limit) if stereoset else []
    texts = [row.text for rows in read_benchmarks(text).values() for row in spread(rows, limit)] if text else []
    likelihood = language_model.load_likelihood(resolve(model).path)
    console = _console()
    if pairs:
        for name, figure in language_model.crows_pairs_scores(pairs, likelihood).items():
            console.print(f"CrowS-Pairs, {name}: {show_figure('crows', figure)}", highlight=False)
    if items:
        scores = language_model.stereoset_scores(items, likelihood)
        console.print(f"StereoSet: LMS {scores.lms:.1f}, SS {scores.ss:.1f}, ICAT {scores.icat:.1f}", highlight=False)
    if texts:
        console.print(f"perplexity: {language_model.perplexity(texts, likelihood):.2f}", highlight=False)


def _console() -> Console:
    """Return standard output as wide as the terminal; wide enough for five systems where it is none."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160)


def _print_change(console: Console, change: Change) -> None:
    """Print one changed text as plain text: nothing in it is markup."""
    from srllm_cli.evaluation.labels import label

    console.print(f"{change.set} {change.id} ({label(change.figure)})", style="bold", markup=False, highlight=False)
    for name, text in (("text", change.text), ("before", change.before), ("after", change.after)):
        console.print(f"  {name:6} {text}", markup=False, highlight=False, soft_wrap=True)


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
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from srllm_cli.evaluation.evaluate import evaluate

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        return evaluate(options, advance)
