"""``srllm models``: list, info, pull, path, remove, tune. Options and output; the work is done beside.

The code of a command is imported when it runs, so that the command line can mount this app at no cost.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from srllm_cli.errors import InputError, ModelError
from srllm_cli.models.family import DEFAULT, FAMILY

if TYPE_CHECKING:
    from srllm_cli.models.cache import Progress

app = typer.Typer(
    help="The built-in models: what they are, where they are, fetching and removing them.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help=f"{' or '.join(FAMILY)}.")]


@app.command("list")
def list_command() -> None:
    """List the built-in models and where each stands on this machine."""
    from srllm_cli.models.overview import standing

    width = max(map(len, FAMILY))
    for name, member in FAMILY.items():
        default = "  (default)" if name == DEFAULT else ""
        _print(f"{name:{width}}  {member.base.title:27}  {standing(member).told}{default}")


@app.command("info")
def info_command(name: Name) -> None:
    """Show a built-in model's base, licence, sources, hashes, thresholds and measured figures."""
    from srllm_cli.models.overview import facts, member_named

    for key, value in facts(member_named(name)).items():
        _print(f"{key + ':':17} {value}")


@app.command("pull")
def pull_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A built-in model, or hf:owner/repo/file.gguf.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Fetch a model and make it ready, so that later commands need no network; print its path.

    A run that was cut short goes on where it stopped.
    """
    from srllm_cli.models import resolve

    with _shown(quiet) as progress:
        model = resolve(name, progress=progress)
    _print(str(model.path))


@app.command("path")
def path_command(name: Name) -> None:
    """Print the path of a built-in model's GGUF, if it is ready."""
    from srllm_cli.models.overview import member_named, standing

    ready = standing(member_named(name)).ready
    if ready is None:
        raise ModelError(f"{name} is not on this machine yet", hint=f"srllm models pull {name}")
    _print(str(ready))


@app.command("remove")
def remove_command(name: Name) -> None:
    """Remove a built-in model from the cache, its fetched base too. The next use makes or fetches it again."""
    from srllm_cli.models.overview import member_named, remove

    for path in remove(member_named(name)):
        _print(f"removed {path}")


@app.command("tune", epilog="Example:  srllm models tune builtin --data data/pairs")
def tune_command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A built-in model, or a GGUF file.")],
    data: Annotated[list[Path], typer.Option(help="Pairs; their validation split is used. Repeatable.")],
    limit: Annotated[
        Optional[int],  # noqa: UP045 -- Typer evaluates this on Python 3.10
        typer.Option(min=2, help="So many texts only, evenly spread."),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Where to write the best type of a GGUF of your own."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Measure which type of a model is fastest on this machine at no loss of clean rewrites.

    A built-in model is kept in it from then on; of a GGUF of your own it is written to --out.
    """
    from srllm_cli.evaluation.tuning import tune, tuning_texts

    if out is not None and model in FAMILY:
        raise InputError(f"--out is for a GGUF of your own; {model} is kept in the cache")
    texts = tuning_texts(data, limit)
    with _shown(quiet) as progress:
        figures, best = tune(model, texts, out, progress)
    for one in figures:
        mark = "  best" if one is best else ""
        _print(
            f"{one.form:9} {one.size / 1e6:6.0f} MB {one.words_a_second:8.1f} words/s  clean {one.clean:6.1%}  "
            f"neutral untouched {one.untouched:6.1%}{mark}"
        )


@contextmanager
def _shown(quiet: bool) -> Iterator[Progress]:
    """Show progress on standard error: a bar on a terminal, elsewhere one line for each step."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet or not sys.stderr.isatty()) as bars:
        task = bars.add_task("", total=None)
        said: set[str] = set()

        def show(message: str, share: float | None) -> None:
            if bars.disable and not quiet and message not in said:
                print(message, file=sys.stderr)  # noqa: T201 -- a command's output
            said.add(message)
            bars.update(task, description=message, completed=share or 0.0, total=None if share is None else 1.0)

        yield show


def _print(line: str) -> None:
    print(line)  # noqa: T201 -- a command's output
