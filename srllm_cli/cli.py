"""The command line: options, help, exit codes. The only room that prints or exits.

A command's code is imported when the command runs, so that ``srllm --help`` and ``--version`` load no model library.
Exit codes: 0 done; 1 with ``--check``, something would change; 2 an error; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Optional

import typer

from srllm_cli.errors import InputError, MissingExtraError, SrllmError
from srllm_cli.evaluation.command import app as evaluation
from srllm_cli.models.command import app as models
from srllm_cli.models.family import DEFAULT

if TYPE_CHECKING:
    from srllm_cli.documents.files import Document
    from srllm_cli.models.screen import ScreenChoice
    from srllm_cli.reporting.document import ReportedDocument

EXIT_WOULD_CHANGE = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="srllm",
    help="Takes the bias out of text and keeps its knowledge. Runs offline.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.add_typer(evaluation, name="eval")
app.add_typer(models, name="models")


class OutputFormat(str, Enum):
    """What ``rewrite`` prints."""

    text = "text"
    json = "json"


ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="SRLLM_MODEL",
        help="[bold]builtin[/], [bold]builtin-large[/], a GGUF file, or hf:owner/repo/file.gguf.",
        rich_help_panel="Model",
    ),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"srllm {version('srllm')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Takes the bias out of text and keeps its knowledge. Runs offline."""


@app.command(
    epilog="Examples:  srllm rewrite report.md > clean.md  ·  cat mail.txt | srllm rewrite  ·  "
    "srllm rewrite docs/*.md --diff  ·  srllm rewrite README.md --check"
)
def rewrite(
    files: Annotated[
        Optional[list[str]],  # noqa: UP045 -- Typer evaluates this on Python 3.10
        typer.Argument(metavar="[FILE]...", help="Documents; none, or -, reads standard input."),
    ] = None,
    model: ModelOption = DEFAULT,
    threshold: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            min=0.0,
            max=1.0,
            show_default="the model's own",
            help="Rewrite what scores at least this.",
            rich_help_panel="Model",
        ),
    ] = None,
    screen: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="none|MODEL[@SCORE]",
            show_default="the model's own",
            help="A small model that looks first: what it scores below SCORE, the other is not shown.",
            rich_help_panel="Model",
        ),
    ] = None,
    gpu_layers: Annotated[
        int, typer.Option(help="Layers to run on the GPU, where llama.cpp has one; -1: all.", rich_help_panel="Model")
    ] = -1,
    format: Annotated[OutputFormat, typer.Option(help="The rewritten text, or the JSON result.")] = OutputFormat.text,
    diff: Annotated[bool, typer.Option("--diff", help="Print a unified diff instead of the text.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Print findings only; exit 1 if something would change.")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", "-i", help="Write each file back instead of printing.")
    ] = False,
    stdin_filename: Annotated[
        str, typer.Option(help="Name that standard input goes by: its suffix tells its format.")
    ] = "-",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on standard error but errors.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every finding, and what the model ran on, on standard error.")
    ] = False,
) -> None:
    """Rewrite the biased passages of documents; everything else comes back byte for byte.

    Plain text and Markdown (.md, .markdown). The result goes to standard output, everything else to standard error.
    Exit code 0: done; 1: with --check, something would change; 2: an error.
    """
    if sum((diff, check, in_place, format is OutputFormat.json)) > 1:
        raise InputError("--diff, --check, --in-place and --format json exclude each other")
    documents = _read_documents(files or ["-"], stdin_filename)
    if in_place and any(document.path is None for _, document in documents):
        raise InputError("--in-place needs files, not standard input")
    reported, screened = _rewrite_documents(documents, model, threshold, screen, gpu_layers, quiet)
    _write_results(
        documents, reported, model=model, screen=screened, format=format, diff=diff, check=check, in_place=in_place
    )
    if verbose:
        from srllm_cli.engines.context import EngineOptions, device_told

        _say(f"ran on the {device_told(EngineOptions(gpu_layers=gpu_layers))}")
    if verbose and not check:
        from srllm_cli.reporting.text_report import finding_lines

        for document in reported:
            for line in finding_lines(document):
                _say(line)
    if not quiet:
        from srllm_cli.reporting.text_report import summary_line

        _say(summary_line(reported))
    if check and any(document.rewrite.findings for document in reported):
        raise typer.Exit(EXIT_WOULD_CHANGE)


def _read_documents(names: list[str], stdin_filename: str) -> list[tuple[str, Document]]:
    """Read everything first, so that a bad name stops the run before anything is written."""
    from srllm_cli.documents.files import read_document, read_stream

    documents = []
    for name in names:
        if name == "-":
            documents.append((stdin_filename, read_stream(sys.stdin.buffer)))
        else:
            documents.append((name, read_document(Path(name))))
    return documents


def _rewrite_documents(
    documents: list[tuple[str, Document]],
    model: str,
    threshold: float | None,
    screen: str | None,
    gpu_layers: int,
    quiet: bool,
) -> tuple[list[ReportedDocument], ScreenChoice | None]:
    from srllm_cli.api import Debiaser
    from srllm_cli.documents import format_of
    from srllm_cli.engines.llama import EngineOptions
    from srllm_cli.reporting.document import ReportedDocument

    with (
        _status(quiet) as progress,
        Debiaser(
            model, threshold, screen=screen, options=EngineOptions(gpu_layers=gpu_layers), progress=progress
        ) as debiaser,
    ):
        progress("rewriting", None)
        reported: dict[int, ReportedDocument] = {}
        for kind in sorted({format_of(name) for name, _ in documents}):
            numbers = [i for i, (name, _) in enumerate(documents) if format_of(name) == kind]
            results = debiaser.rewrite_all((documents[i][1].text for i in numbers), kind)
            for done, (i, result) in enumerate(zip(numbers, results, strict=True), 1):
                reported[i] = ReportedDocument(documents[i][0], documents[i][1].text, result)
                progress("rewriting", done / len(numbers))
    return [reported[i] for i in range(len(documents))], debiaser.screen


def _write_results(
    documents: list[tuple[str, Document]],
    reported: list[ReportedDocument],
    *,
    model: str,
    screen: ScreenChoice | None,
    format: OutputFormat,
    diff: bool,
    check: bool,
    in_place: bool,
) -> None:
    from srllm_cli.documents.files import encode, write_atomic

    if format is OutputFormat.json:
        from srllm_cli.reporting.json_report import json_report

        _print_text(json_report(model, reported, screen))
    elif diff:
        from srllm_cli.reporting.diff_report import unified_diff

        for document in reported:
            _print_diff(unified_diff(document))
    elif check:
        from srllm_cli.reporting.text_report import finding_lines

        _print_text("".join(f"{line}\n" for document in reported for line in finding_lines(document)))
    elif in_place:
        for (_, source), document in zip(documents, reported, strict=True):
            if document.changed:
                write_atomic(source, encode(source, document.rewrite.text))
    else:
        for (_, source), document in zip(documents, reported, strict=True):
            _print_bytes(encode(source, document.rewrite.text))


# Output --------------------------------------------------------------------------------------------------------------


def _print_bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _print_text(text: str) -> None:
    """Print UTF-8 whatever the locale: what we print is a document, or quotes one."""
    _print_bytes(text.encode("utf-8", errors="surrogatepass"))


def _print_diff(text: str) -> None:
    if not (sys.stdout.isatty() and "NO_COLOR" not in os.environ):
        _print_text(text)
        return
    colours = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
    for line in text.splitlines(keepends=True):
        colour = colours.get(line[0])
        _print_text(f"{colour}{line.rstrip()}\x1b[0m\n" if colour else line)


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 -- this room prints


class _status:  # noqa: N801 -- used as a function
    """A progress line on standard error while something long runs; nothing when that is no terminal."""

    def __init__(self, quiet: bool) -> None:
        self._shown = sys.stderr.isatty() and not quiet
        self._status: Any = None

    def __enter__(self) -> Callable[[str, float | None], None]:
        if self._shown:
            from rich.console import Console

            self._status = Console(stderr=True).status("starting")
            self._status.start()
        return self._update

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def _update(self, message: str, share: float | None) -> None:
        if self._status:
            self._status.update(message if share is None else f"{message} {share:.0%}")


# Making models -------------------------------------------------------------------------------------------------------


@app.command(epilog="Example:  srllm train --data data/pairs --out runs/builtin")
def train(
    data: Annotated[list[Path], typer.Option(help="Pairs: .jsonl or .csv files, or folders of them. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log, and at the end the adapter.")],
    recipe: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Recipe file (JSON); the built-in model's recipe when left out."),
    ] = None,
    base: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Base model: smollm2, qwen2.5-coder-0.5b, a GGUF, a checkpoint folder, a hub id."),
    ] = None,
    passes: Annotated[Optional[int], typer.Option(min=1, help="Passes over the data.")] = None,  # noqa: UP045
    rank: Annotated[Optional[int], typer.Option(min=1, help="LoRA rank.")] = None,  # noqa: UP045
    learning_rate: Annotated[Optional[float], typer.Option(help="Peak learning rate.")] = None,  # noqa: UP045
    fresh: Annotated[bool, typer.Option("--fresh", help="Ignore checkpoints in --out and start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train a LoRA adapter on pairs of biased and debiased text. A killed run goes on from its last checkpoint."""
    with _needs_extra("train", "train"):
        from srllm_cli.training.train import Progress
        from srllm_cli.training.train import train as run
    import dataclasses

    from srllm_cli.training.pairs import read_pairs
    from srllm_cli.training.recipe import Recipe

    chosen = Recipe.read(recipe) if recipe else Recipe()
    given: dict[str, Any] = {"base": base, "passes": passes, "rank": rank, "learning_rate": learning_rate}
    chosen = dataclasses.replace(chosen, **{key: value for key, value in given.items() if value is not None})
    pairs = read_pairs(data)
    if not quiet:
        _say(f"{len(pairs)} records; training in {out}")

    def report(progress: Progress) -> None:
        if not quiet and (progress.step % 10 == 0 or progress.step == progress.steps):
            loss = "" if progress.loss is None else f"  loss {progress.loss:.3f}"
            _say(f"step {progress.step}/{progress.steps}{loss}  {progress.tokens:,} tokens")

    adapter = run(chosen, pairs, out, resume=not fresh, report=report)
    _print_text(f"{adapter}\n")


@app.command(epilog="Example:  srllm merge runs/builtin/adapter --out runs/builtin/merged")
def merge(
    adapter: Annotated[Path, typer.Argument(help="Folder with the adapter that srllm train wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the merged checkpoint; it must not exist.")],
    base: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Base model, when it is not the one in the adapter's recipe."),
    ] = None,
) -> None:
    """Merge an adapter into its base model: a Hugging Face checkpoint in safetensors."""
    with _needs_extra("merge", "train"):
        from srllm_cli.training.merge import merge as run
    _print_text(f"{run(adapter, out, base)}\n")


@app.command(epilog="Example:  srllm quantize runs/builtin/merged --out model.gguf --type Q8_0")
def quantize(
    source: Annotated[Path, typer.Argument(help="A checkpoint folder, an adapter folder, or a GGUF.")],
    out: Annotated[Path, typer.Option(help="The GGUF to write.")],
    type: Annotated[
        str, typer.Option("--type", "-t", help="F16, BF16, Q8_0, Q4_K_M, Q4_0 … (llama.cpp's names).")
    ] = "Q8_0",
    threshold: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0.0, max=1.0, help="Calibrated threshold to store in the model."),
    ] = None,
) -> None:
    """Convert a checkpoint or adapter to GGUF, or a GGUF to another type, with the protocol in its metadata."""
    from srllm_convert import quantize_command

    quantize_command(source, out, type, threshold=threshold)
    _print_text(f"{out}\n")


class _needs_extra:  # noqa: N801 -- used as a function
    """Turns a missing optional dependency into an error that names the extra."""

    def __init__(self, command: str, extra: str) -> None:
        self._command, self._extra = command, extra

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("srllm"):
            raise MissingExtraError(self._command, self._extra) from error


def main() -> NoReturn:
    """Run the command line; expected errors become one or two lines on standard error."""
    try:
        code = app(standalone_mode=False)  # the exit code where a command raised typer.Exit
    except SrllmError as error:
        _fail(str(error), error.hint, error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _say("srllm: interrupted")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader went away (`| head`): not our error, and no traceback from the interpreter's last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 -- sorted there; what is no usage error is raised again
        _fail_on_usage(error)
    sys.exit(code if isinstance(code, int) else 0)


def _fail_on_usage(error: Exception) -> NoReturn:
    """Report a wrong option in two lines; anything else is a defect and keeps its traceback.

    Newer Typer carries its own copy of Click, so the class cannot be named; its usage errors format themselves.
    """
    format_message = getattr(error, "format_message", None)
    if format_message is None:
        raise error
    context = getattr(error, "ctx", None)
    _fail(format_message(), f"try '{context.command_path} --help'" if context else None, EXIT_ERROR)


def _fail(message: str, hint: str | None, code: int) -> NoReturn:
    _say(f"srllm: error: {message}")
    if hint:
        _say(f"hint: {hint}")
    sys.exit(code)
