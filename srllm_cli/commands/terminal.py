"""Standard output and standard error: results as bytes, messages as lines, colour where it is wanted."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from srllm_cli.errors import SrllmError


def print_bytes(data: bytes) -> None:
    """Write to standard output, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def print_text(text: str) -> None:
    """Print UTF-8 whatever the locale: what we print is a document, or quotes one."""
    print_bytes(text.encode("utf-8", errors="surrogatepass"))


def say(line: str) -> None:
    """Write a line to standard error; what its encoding lacks is escaped."""
    print(line.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)  # noqa: T201 -- this room prints


def say_error(error: SrllmError, name: str = "") -> None:
    """Write an error and what to do about it to standard error; ``name`` is the document that it is about."""
    say(f"srllm: error: {name}: {error}" if name else f"srllm: error: {error}")
    if error.hint:
        say(f"hint: {error.hint}")


def has_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal, and colour is not turned off."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def coloured_diff(text: str) -> str:
    """Colour the lines of a unified diff."""
    colours = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
    lines = text.splitlines(keepends=True)
    return "".join(f"{colours[line[0]]}{line.rstrip()}\x1b[0m\n" if line[0] in colours else line for line in lines)
