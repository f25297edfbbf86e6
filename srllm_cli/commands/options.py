"""Options that several commands share, and the panels that help groups them in."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

MODEL_PANEL = "Model"
REPORT_PANEL = "Reports"
SETTINGS_PANEL = "Settings"

FilesArgument = Annotated[
    Optional[list[str]],  # noqa: UP045 -- Typer evaluates this on Python 3.10
    typer.Argument(metavar="[FILE]...", help="Files, folders, patterns; none, or -, reads standard input."),
]
ModelOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--model",
        "-m",
        show_default="builtin",
        help="[bold]builtin[/], [bold]builtin-large[/], a GGUF file, or hf:owner/repo/file.gguf.",
        rich_help_panel=MODEL_PANEL,
    ),
]
