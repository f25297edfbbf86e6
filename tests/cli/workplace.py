"""A folder to run srllm in, with the engine of ``word_engine`` in the model's place.

Most tests call the command line in this process, which is much the quicker way; ``command`` is for those that need one
of its own.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

PROGRAM = Path(__file__).parent / "word_engine.py"


@dataclass(frozen=True)
class Result:
    """What a call gave."""

    returncode: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Workplace:
    """A folder to work in, with a cache and a log of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str | Path, stdin: bytes = b"") -> Result:
        """Call srllm there, in this process."""
        from srllm_cli.cli import main

        out, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                mock.patch.dict(os.environ, self.environment, clear=True),
                mock.patch.object(sys, "argv", ["srllm", *map(str, arguments)]),
                mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
                redirect_stdout(out),
                redirect_stderr(error),
            ):
                main()
        except SystemExit as end:
            for stream in (out, error):
                stream.flush()
            assert isinstance(end.code, int)
            return Result(end.code, _bytes(out), _bytes(error))
        finally:
            os.chdir(before)

    def command(self, *arguments: str | Path) -> list[str]:
        """Return a command line of the same that can be run as a process."""
        return [sys.executable, str(PROGRAM), *map(str, arguments)]

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def log(self) -> list[str]:
        """Return what the engine did, and forget it."""
        path = Path(self.environment["WORD_ENGINE_LOG"])
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


def _bytes(stream: io.TextIOWrapper) -> bytes:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


def assert_fails(result: Result, message: str) -> None:
    """An error is one or two lines on standard error, exit code 2, and nothing on standard output."""
    error = result.stderr.decode()
    assert (result.returncode, result.stdout) == (2, b""), error
    assert message in error
    assert 1 <= len(error.splitlines()) <= 2, error
