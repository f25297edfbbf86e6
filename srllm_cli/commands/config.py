"""``srllm config``: what is in force for a document, and where it was said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def config(
    path: Annotated[Path, typer.Argument(help="A document or a folder.")] = Path(),
) -> None:
    """Show the settings in force for a document or folder, and where each was said."""
    from srllm_cli.commands.terminal import print_text
    from srllm_cli.configuration import Configurator

    place = path / "*" if path.is_dir() else path  # anything in it
    values = Configurator().explain(place)
    rows = [(key, _shown(value.value), _origin(value.origin)) for key, value in values.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    print_text("".join(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}\n" for key, value, origin in rows))


def _shown(value: Any) -> str:
    """Return a value as a settings file would hold it."""
    if value is None:
        return "(the model's own)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _origin(origin: str) -> str:
    """Return a place as short as it can be said from here."""
    here = f"{Path.cwd()}/"
    return origin.removeprefix(here)
