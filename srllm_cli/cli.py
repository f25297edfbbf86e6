"""The command line: the commands by name, exit codes, errors. Only this room and ``commands`` print or exit.

A command's module is imported when the command is called (or listed), and what it needs when it runs, so that
``srllm --help`` and ``--version`` load no model library. Exit codes: 0 done; 1 with ``--check``, something would
change; 2 an error; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from srllm_cli.errors import SrllmError

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

#: Where each command's function or app lives, and the examples that end its help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "rewrite": (
        "srllm_cli.commands.rewrite:rewrite",
        "Examples:  srllm rewrite report.md > clean.md  ·  cat mail.txt | srllm rewrite  ·  "
        "srllm rewrite docs/ --check  ·  srllm rewrite README.md --diff  ·  srllm rewrite docs/ --interactive",
    ),
    "config": ("srllm_cli.commands.config:config", "Examples:  srllm config  ·  srllm config docs/guide.md"),
    "cache": ("srllm_cli.commands.cache:app", "Examples:  srllm cache  ·  srllm cache prune --days 30"),
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

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            place, examples = COMMANDS[cmd_name]
            module, _, name = place.partition(":")
            self.commands[cmd_name] = _build(cmd_name, getattr(import_module(module), name), examples)
        return self.commands[cmd_name]


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


def _say(line: str) -> None:
    from srllm_cli.commands.terminal import say

    say(line)
