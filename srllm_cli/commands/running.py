"""What ``srllm rewrite`` does, once its options are known. It knows no Typer: its import takes longer than a check."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srllm_cli.commands.output import OutputFormat
from srllm_cli.errors import InputError

if TYPE_CHECKING:
    from srllm_cli.commands.progress import WorkProgress
    from srllm_cli.commands.sources import Source
    from srllm_cli.models.screen import ScreenChoice
    from srllm_cli.reporting.document import ReportedDocument

EXIT_DONE = 0
EXIT_WOULD_CHANGE = 1
EXIT_ERROR = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done with documents: the options of ``srllm rewrite``; in ``flags`` those that are settings too."""

    diff: bool = False
    in_place: bool = False
    interactive: bool = False
    output: Path | None = None
    write_baseline: Path | None = None
    check: bool = False
    format: OutputFormat = OutputFormat.text
    stdin_filename: str = "-"
    quiet: bool = False
    verbose: bool = False
    flags: Mapping[str, Any] = field(default_factory=dict)

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


#: Options that are switches, by the field that they set.
SWITCHES = {
    "--check": "check",
    "--diff": "diff",
    "--in-place": "in_place",
    "-i": "in_place",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
}


def plain_call(words: Sequence[str]) -> tuple[list[str], Wanted] | None:
    """Read a command line of switches and names only; ``None`` for any other, which is for the full parser.

    A hook that checks unchanged text should be as quick as a look-up, and a parser with help and completion is not.
    """
    names = [word for word in words if not word.startswith("-")]
    switches = [word for word in words if word.startswith("-")]
    if not names or any(word not in SWITCHES for word in switches):
        return None
    given: dict[str, Any] = {SWITCHES[word]: True for word in switches}
    return names, Wanted(**given)


def run(names: list[str], wanted: Wanted) -> int:
    """Rewrite, check or review documents; return the exit code.

    Raises:
        SrllmError: when something that it needs is missing, wrong or in the way.
    """
    from srllm_cli.commands.progress import WorkProgress
    from srllm_cli.commands.sources import STDIN, read_sources
    from srllm_cli.configuration import Configurator

    wanted.check_combination()
    if STDIN in (names or [STDIN]) and (wanted.in_place or wanted.interactive):
        way = "--in-place" if wanted.in_place else "--interactive"
        raise InputError(f"{way} needs files, not standard input")
    prints = not (wanted.reports or wanted.diff or wanted.in_place or wanted.interactive or wanted.write_baseline)
    if prints and wanted.output is None and any(Path(name).is_dir() for name in names):
        raise InputError("the documents of a folder are not printed", "give --in-place, --output, --diff or --check")
    configurator = Configurator(wanted.flags)
    sources = read_sources(names, wanted.stdin_filename, configurator)
    with WorkProgress(shown=not wanted.quiet) as progress:
        if wanted.interactive:
            from srllm_cli.commands.review import review

            return EXIT_DONE if review(sources, progress, configurator) else EXIT_ERROR
        results, failed = _results(sources, wanted, progress)
    done = [source for i, source in enumerate(sources) if i in results]
    documents = [results[i] for i in sorted(results)]
    if done:
        _write(done, documents, wanted)
        _tell(done, documents, wanted)
    if failed or len(done) < len(sources):
        return EXIT_ERROR
    return EXIT_WOULD_CHANGE if wanted.check and any(d.rewrite.findings for d in documents) else EXIT_DONE


def _results(sources: list[Source], wanted: Wanted, progress: WorkProgress) -> tuple[dict[int, ReportedDocument], bool]:
    """Return the documents that could be parsed, by their source's number, with what is left of their results.

    The flag says whether a file could not be written.

    In place, each file is written as soon as its result is there: what is done when a run is interrupted stays done.
    """
    from srllm_cli.commands.rewriting import rewrite_sources
    from srllm_cli.commands.selecting import Selector
    from srllm_cli.commands.terminal import say_error
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
                say_error(error)
    return done, failed


def _write(sources: list[Source], documents: list[ReportedDocument], wanted: Wanted) -> None:
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
        text = output.report(wanted.format, documents, models, _screen(sources), colour=colour)
        output.write_report(text, wanted.output)
    elif not wanted.in_place and wanted.write_baseline is None:
        output.write_documents(sources, documents, wanted.output)


def _screen(sources: list[Source]) -> ScreenChoice | None:
    """Return what screened, by the settings of the first document that something screens for."""
    from srllm_cli.models.screen import screen_by_name

    chosen = (screen_by_name(s.configuration.screen or None, s.configuration.model) for s in sources)
    return next((choice for choice in chosen if choice is not None), None)


def _tell(sources: list[Source], documents: list[ReportedDocument], wanted: Wanted) -> None:
    """Say on standard error what was done."""
    from srllm_cli.commands.terminal import say

    if wanted.verbose and not wanted.reports:
        from srllm_cli.reporting.text_report import finding_lines

        for document in documents:
            for line in finding_lines(document):
                say(line)
    if wanted.verbose:
        from srllm_cli.engines.context import device_told
        from srllm_cli.engines.options import EngineOptions

        for layers in dict.fromkeys(source.configuration.gpu_layers for source in sources):
            say(f"ran on the {device_told(EngineOptions(gpu_layers=layers))}")
    if not wanted.quiet:
        from srllm_cli.reporting.text_report import summary_line

        for source in sources:
            if source.excluded:
                say(f"{source.name}: excluded by the settings; left as it is")
        say(summary_line(documents))
