"""``srllm rewrite``: options, and which of its ways of working they choose."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from srllm_cli.commands.options import MODEL_PANEL, REPORT_PANEL, SETTINGS_PANEL, FilesArgument, ModelOption
from srllm_cli.commands.output import OutputFormat
from srllm_cli.errors import InputError

if TYPE_CHECKING:
    from srllm_cli.commands.progress import WorkProgress
    from srllm_cli.commands.sources import Source
    from srllm_cli.reporting.document import ReportedDocument

EXIT_WOULD_CHANGE = 1
EXIT_ERROR = 2


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be done with the results. At most one of the first six is set (``check`` goes with some of them)."""

    diff: bool
    in_place: bool
    interactive: bool
    output: Path | None
    write_baseline: Path | None
    check: bool
    format: OutputFormat
    quiet: bool
    verbose: bool
    flags: dict[str, Any] = field(default_factory=dict)

    @property
    def reports(self) -> bool:
        """Whether findings are printed, not documents."""
        return self.check or self.format is not OutputFormat.text

    def check_combination(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            InputError: naming them.
        """
        ways = {
            "--diff": self.diff,
            "--in-place": self.in_place,
            "--interactive": self.interactive,
            "--write-baseline": self.write_baseline is not None,
        }
        chosen = [name for name, given in ways.items() if given]
        if len(chosen) > 1:
            raise InputError(f"{' and '.join(chosen)} exclude each other")
        if self.diff and self.format is not OutputFormat.text:
            raise InputError(f"--diff and --format {self.format.value} exclude each other")
        if self.check and chosen and not self.diff:
            raise InputError(f"--check and {chosen[0]} exclude each other")
        if self.output is not None and chosen and not self.diff:
            raise InputError(f"--output and {chosen[0]} exclude each other")
        if self.interactive and self.reports:
            raise InputError(f"--interactive and --format {self.format.value} exclude each other")


def rewrite(
    files: FilesArgument = None,
    model: ModelOption = None,
    threshold: Annotated[
        Optional[float],  # noqa: UP045 -- Typer evaluates this on Python 3.10
        typer.Option(
            min=0.0,
            max=1.0,
            show_default="the model's own",
            help="Rewrite what scores at least this.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None,
    gpu_layers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=-1,
            show_default="-1",
            help="Layers to run on the GPU, where llama.cpp has one; -1: all.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None,
    format: Annotated[
        OutputFormat, typer.Option(help="Report findings in this form.", rich_help_panel=REPORT_PANEL)
    ] = OutputFormat.text,
    check: Annotated[
        bool,
        typer.Option("--check", help="Report findings; exit 1 if there are any.", rich_help_panel=REPORT_PANEL),
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print a unified diff instead of the text.")] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", "-i", help="Write each file back instead of printing.")
    ] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Step through the findings: accept, skip, edit, ignore.")
    ] = False,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="Write the result to this file, several documents into this folder."),
    ] = None,
    stdin_filename: Annotated[
        str, typer.Option(help="Name that standard input goes by: it tells the format and the settings.")
    ] = "-",
    dimension: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="Act on this dimension only; repeatable.", rich_help_panel=SETTINGS_PANEL),
    ] = None,
    skip_dimension: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="Leave this dimension alone; repeatable.", rich_help_panel=SETTINGS_PANEL),
    ] = None,
    allow: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="Never change this term; repeatable.", rich_help_panel=SETTINGS_PANEL),
    ] = None,
    deny: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="Report this term wherever it stands; repeatable.", rich_help_panel=SETTINGS_PANEL),
    ] = None,
    exclude: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="Leave out paths like this (as in .gitignore); repeatable.", rich_help_panel=SETTINGS_PANEL),
    ] = None,
    baseline: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Leave out the findings in this file.", rich_help_panel=SETTINGS_PANEL),
    ] = None,
    write_baseline: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write all findings to this file, for --baseline.", rich_help_panel=REPORT_PANEL),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor keep results.", rich_help_panel=MODEL_PANEL)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on standard error but errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every finding on standard error.")] = False,
) -> None:
    """Rewrite the biased passages of documents; everything else comes back byte for byte.

    Markdown by its suffix, everything else as plain text. The result goes to standard output, everything else to
    standard error. Options beat SRLLM_ variables, which beat the nearest srllm.toml or pyproject.toml (srllm config).
    Exit code 0: done; 1: with --check, something would change; 2: an error.
    """
    from srllm_cli.configuration.keys import read_flag

    given: dict[str, Any] = {
        "model": model,
        "threshold": threshold,
        "gpu-layers": gpu_layers,
        "dimensions": dimension,
        "skip-dimensions": skip_dimension,
        "allow": allow,
        "deny": deny,
        "exclude": exclude,
        "baseline": baseline,
        "cache": False if no_cache else None,
    }
    flags = {key: read_flag(key, value) for key, value in given.items() if value is not None and value != []}
    wanted = _Wanted(diff, in_place, interactive, output, write_baseline, check, format, quiet, verbose, flags)
    wanted.check_combination()
    _run(list(files or ()), stdin_filename, wanted)


def _run(names: list[str], stdin_filename: str, wanted: _Wanted) -> None:
    from srllm_cli.commands.progress import WorkProgress
    from srllm_cli.commands.sources import STDIN, read_sources
    from srllm_cli.configuration import Configurator

    if STDIN in (names or [STDIN]) and (wanted.in_place or wanted.interactive):
        way = "--in-place" if wanted.in_place else "--interactive"
        raise InputError(f"{way} needs files, not standard input")
    prints = not (wanted.reports or wanted.diff or wanted.in_place or wanted.interactive or wanted.write_baseline)
    if prints and wanted.output is None and any(Path(name).is_dir() for name in names):
        raise InputError("the documents of a folder are not printed", "give --in-place, --output, --diff or --check")
    configurator = Configurator(wanted.flags)
    sources = read_sources(names, stdin_filename, configurator)
    with WorkProgress(shown=not wanted.quiet) as progress:
        if wanted.interactive:
            from srllm_cli.commands.review import review

            review(sources, progress, configurator)
            return
        documents, failed = _results(sources, wanted, progress)
    _write(sources, documents, wanted)
    _tell(sources, documents, wanted)
    if failed:
        raise typer.Exit(EXIT_ERROR)
    if wanted.check and any(document.rewrite.findings for document in documents):
        raise typer.Exit(EXIT_WOULD_CHANGE)


def _results(sources: list[Source], wanted: _Wanted, progress: WorkProgress) -> tuple[list[ReportedDocument], bool]:
    """Return the documents with what is left of their results, and whether a file could not be written.

    In place, each file is written as soon as its result is there: what is done when a run is interrupted stays done.
    """
    from srllm_cli.commands.rewriting import rewrite_sources
    from srllm_cli.commands.selecting import Selector
    from srllm_cli.commands.terminal import say
    from srllm_cli.documents.files import encode, write_atomic

    selector = Selector([] if wanted.write_baseline else sources)
    done: dict[int, ReportedDocument] = {}
    failed = False
    for i, result in rewrite_sources(sources, progress):
        source = sources[i]
        document = done[i] = selector.select(source, result)
        if wanted.in_place and document.changed:
            try:
                write_atomic(source.document, encode(source.document, document.rewrite.text))
            except InputError as error:  # the other files are no worse for it
                failed = True
                say(f"srllm: error: {error}")
    return [done[i] for i in range(len(sources))], failed


def _write(sources: list[Source], documents: list[ReportedDocument], wanted: _Wanted) -> None:
    from srllm_cli.commands import output
    from srllm_cli.commands.terminal import has_colour

    if wanted.write_baseline is not None:
        from srllm_cli.baseline import write_baseline

        rows = ((Path(d.path), d.before, d.rewrite) for d in documents)
        write_baseline(wanted.write_baseline, rows)
    if wanted.diff:
        output.write_diffs(sources, documents, wanted.output)
    elif wanted.reports:
        models = list(dict.fromkeys(source.configuration.model for source in sources))
        colour = wanted.output is None and has_colour(sys.stdout)
        output.write_report(output.report(wanted.format, documents, models, colour=colour), wanted.output)
    elif not wanted.in_place and wanted.write_baseline is None:
        output.write_documents(sources, documents, wanted.output)


def _tell(sources: list[Source], documents: list[ReportedDocument], wanted: _Wanted) -> None:
    """Say on standard error what was done."""
    from srllm_cli.commands.terminal import say

    if wanted.verbose and not wanted.reports:
        from srllm_cli.reporting.text_report import finding_lines

        for document in documents:
            for line in finding_lines(document):
                say(line)
    if not wanted.quiet:
        from srllm_cli.reporting.text_report import summary_line

        for source in sources:
            if source.excluded:
                say(f"{source.name}: excluded by the settings; left as it is")
        say(summary_line(documents))
