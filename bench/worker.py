"""One system in a process of its own: passages in, what they took out, a JSON object a line.

Both sides are here: :func:`main` is the process, :class:`Worker` the handle of who asks it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.systems import SYSTEMS, TOOLS, MissingSystemError, Settings

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Taken:
    """What some passages took: wall seconds, what was found, tokens written (``None``: not known), peak memory."""

    seconds: float
    found: int
    written: int | None
    peak_bytes: int


class WorkerFailedError(Exception):
    """A system's process ended before it answered."""


class Worker:
    """A running system (stateful: its process). Closed, it ends."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Start the process; returns once the model is loaded.

        Raises:
            MissingSystemError: when the machine does not have the system.
            WorkerFailedError: when it fails to start.
        """
        self.name = name
        command = [sys.executable, "-m", "bench.worker", name, str(settings.model), str(settings.threads)]
        command += [str(settings.base)] if settings.base else []
        environment = {**os.environ, "OMP_NUM_THREADS": str(settings.threads)}
        self._process = subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        hello = self._read()
        if "missing" in hello:
            self.close()
            raise MissingSystemError(hello["missing"])
        self.load_seconds = float(hello["load_seconds"])

    def run(self, passages: Sequence[str]) -> Taken:
        """Have the passages worked through.

        Raises:
            WorkerFailedError: when the process ends instead; what it said is on standard error.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(list(passages)) + "\n")
        self._process.stdin.flush()
        return Taken(**self._read())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=120)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorkerFailedError(f"it ended early, with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def peak_bytes(process: int | None = None) -> int:
    """Return the most memory that a process, or this one, has held at a time; 0 where it cannot be known.

    Linux keeps it for each process; elsewhere only one's own is known.
    """
    status = Path(f"/proc/{process or 'self'}/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
    if process is not None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Serve until standard input ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    name, model, threads, *base = sys.argv[1:]
    settings = Settings(Path(model), int(threads), Path(base[0]) if base else None)
    make = SYSTEMS[name].make if name in SYSTEMS else TOOLS[name]
    start = time.perf_counter()
    try:
        system = make(settings)
    except MissingSystemError as error:
        say({"missing": str(error)})
        return
    say({"load_seconds": time.perf_counter() - start})
    try:
        for line in sys.stdin:
            start = time.perf_counter()
            work = system.run(json.loads(line))
            seconds = time.perf_counter() - start
            peak = peak_bytes(system.child) if system.child else peak_bytes()
            say({"seconds": seconds, "found": work.found, "written": work.written, "peak_bytes": peak})
    finally:
        system.close()


if __name__ == "__main__":
    main()
