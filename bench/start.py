"""How long a command takes from its start to its first finding, and what a script around the chat API takes for it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.systems import Settings

_DOCUMENT = "The chairman asked the girls at the front desk to man the stand.\n"
#: What a user would write instead, as short as it goes.
_SCRIPT = """
import sys
from pathlib import Path
from bench.systems import Chat, Settings
print(Chat(Settings(Path(sys.argv[1]), int(sys.argv[2]))).run([Path(sys.argv[3]).read_text().strip()]))
"""
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Start:
    """A command, and the seconds of each of its runs, which took turns with the others' runs."""

    title: str
    seconds: tuple[float, ...]


def measure_starts(settings: Settings, folder: Path, times: int) -> list[Start]:
    """Run each command ``times`` times in turn; a first, unmeasured run of each fills the system's file cache."""
    document = folder / "first.txt"
    document.write_text(_DOCUMENT, encoding="utf-8")
    model, threads = str(settings.model), str(settings.threads)
    srllm = [sys.executable, "-c", "from srllm_cli.cli import main; main()"]
    commands = {
        "`srllm --help`": [*srllm, "--help"],
        "`srllm rewrite --check`, one sentence": [*srllm, "rewrite", str(document), "--check", "--model", model],
        "a script with `create_chat_completion`, one sentence": [
            *(sys.executable, "-c", _SCRIPT),
            *(model, threads, str(document)),
        ],
    }
    taken: dict[str, list[float]] = {title: [] for title in commands}
    for number in range(times + 1):
        for title, command in commands.items():
            seconds = _timed(command)
            if number:
                taken[title].append(seconds)
    return [Start(title, tuple(seconds)) for title, seconds in taken.items()]


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):  # 1: --check found something
        raise RuntimeError(f"{' '.join(command)} failed with status {done.returncode}: {done.stderr}")
    return seconds
