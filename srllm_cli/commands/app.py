"""The commands by name, and Typer's way to call them. A command's module is imported when it is called or listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from srllm_cli.errors import InputError

#: Where each command's function or app lives, and the examples that end its help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "rewrite": (
        "srllm_cli.commands.rewrite:rewrite",
        "Examples:  srllm rewrite report.md > clean.md  ·  cat mail.txt | srllm rewrite  ·  "
        "srllm rewrite docs/ --check  ·  srllm rewrite README.md --diff  ·  srllm rewrite docs/ --interactive",
    ),
    "config": ("srllm_cli.commands.config:config", "Examples:  srllm config  ·  srllm config docs/guide.md"),
    "cache": ("srllm_cli.commands.cache:app", "Examples:  srllm cache  ·  srllm cache prune --days 30"),
    "models": ("srllm_cli.models.command:app", "Examples:  srllm models list  ·  srllm models pull builtin-large"),
    "train": ("srllm_cli.commands.making:train", "Example:  srllm train --data data/pairs --out runs/builtin"),
    "merge": (
        "srllm_cli.commands.making:merge",
        "Example:  srllm merge runs/builtin/adapter --out runs/builtin/merged",
    ),
    "quantize": (
        "srllm_cli.commands.making:quantize",
        "Example:  srllm quantize runs/builtin/merged --out model.gguf --type Q8_0",
    ),
    "eval": ("srllm_cli.evaluation.command:app", "Example:  srllm eval --data data/pairs --system identity"),
}
_HELP = {"help_option_names": ["-h", "--help"]}


class CommandsByName(TyperGroup):
    """A group that imports a command's module when the command is asked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        # Typer takes the names from here, for a mistyped one too.
        unbuilt: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = unbuilt

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return a command."""
        if cmd_name in COMMANDS and self.commands[cmd_name] is None:
            place, examples = COMMANDS[cmd_name]
            module, _, name = place.partition(":")
            self.commands[cmd_name] = _build(cmd_name, getattr(import_module(module), name), examples)
        return self.commands.get(cmd_name)


def _build(name: str, command: Any, examples: str) -> Any:
    """Make the command that Typer would have made of a function or an app."""
    if isinstance(command, typer.Typer):
        group = typer.main.get_group(command)
        group.name, group.epilog = name, examples
        return group
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    alone.command(name=name, epilog=examples, context_settings=_HELP)(command)
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=CommandsByName,
    name="srllm",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


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


def call(words: Sequence[str]) -> int:
    """Run a command line; return its exit code.

    Raises:
        InputError: when the command line is wrong.
        KeyboardInterrupt: when the user ended it.
    """
    try:
        code = app(list(words), prog_name="srllm", standalone_mode=False)  # the code that a command's Exit carries
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except Exception as error:
        # Newer Typer carries its own copy of Click, so the class of usage errors cannot be named; they format
        # themselves. Anything else is not for this place.
        format_message = getattr(error, "format_message", None)
        if format_message is None:
            raise
        context = getattr(error, "ctx", None)
        hint = f"try '{context.command_path} --help'" if context else None
        raise InputError(format_message(), hint) from error
    return code if isinstance(code, int) else 0
