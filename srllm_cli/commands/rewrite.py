"""``srllm rewrite``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from srllm_cli.commands.options import MODEL_PANEL, REPORT_PANEL, SETTINGS_PANEL, FilesArgument, ModelOption
from srllm_cli.commands.output import OutputFormat


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
    screen: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="none|MODEL[@SCORE]",
            show_default="the model's own",
            help="A small model that looks first: what it scores below SCORE, the other is not shown.",
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
    comments: Annotated[
        bool, typer.Option("--comments", help="Read the comments and docstrings of source code.")
    ] = False,
    field: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="Read this column or key of CSV and JSON Lines; repeatable."),
    ] = None,
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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every finding, and what the model ran on, on standard error.")
    ] = False,
) -> None:
    """Rewrite the biased passages of documents; everything else comes back byte for byte.

    A document's format is told by its suffix; what is not known is plain text. The result goes to standard output,
    everything else to standard error. Options beat SRLLM_ variables, which beat the nearest srllm.toml or
    pyproject.toml (srllm config).
    Exit code 0: done; 1: with --check, something would change; 2: an error.
    """
    from srllm_cli.commands.running import Wanted, run
    from srllm_cli.configuration.keys import read_flag

    given: dict[str, Any] = {
        "model": model,
        "threshold": threshold,
        "screen": screen,
        "gpu-layers": gpu_layers,
        "comments": comments or None,
        "fields": field,
        "dimensions": dimension,
        "skip-dimensions": skip_dimension,
        "allow": allow,
        "deny": deny,
        "exclude": exclude,
        "baseline": baseline,
        "cache": False if no_cache else None,
    }
    flags = {key: read_flag(key, value) for key, value in given.items() if value is not None and value != []}
    wanted = Wanted(
        diff=diff,
        in_place=in_place,
        interactive=interactive,
        output=output,
        write_baseline=write_baseline,
        check=check,
        format=format,
        stdin_filename=stdin_filename,
        quiet=quiet,
        verbose=verbose,
        flags=flags,
    )
    raise typer.Exit(run(list(files or ()), wanted))
