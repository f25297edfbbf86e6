"""The command line's way in: exit codes and errors. Only this room and ``commands`` print or exit.

It imports next to nothing, so that an unchanged document is checked as quickly as it is looked up; ``srllm --help`` and
``--version`` load no model library. Exit codes: 0 done; 1 with ``--check``, something would change; 2 an error; 130
interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from srllm_cli.errors import SrllmError

EXIT_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line; expected errors become one or two lines on standard error."""
    try:
        code = _call(sys.argv[1:])
        sys.stdout.flush()
    except SrllmError as error:
        from srllm_cli.commands.terminal import say_error

        say_error(error)
        code = error.exit_code
    except KeyboardInterrupt:
        from srllm_cli.commands.terminal import say

        say("srllm: interrupted")
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): not our error, and no traceback from the interpreter's last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _call(words: list[str]) -> int:
    if words[:1] == ["rewrite"]:
        from srllm_cli.commands.running import plain_call, run

        plain = plain_call(words[1:])
        if plain is not None:
            return run(*plain)
    from srllm_cli.commands.app import call

    return call(words)
