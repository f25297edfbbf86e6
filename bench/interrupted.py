"""Kills an in-place run over many files at random moments, and looks at every file: it must be the old or the new.

    python bench/interrupted.py --rounds 100 --files 200

Results are kept from a first whole run, so that the rounds write files and wait for no model. The exit code is 1 when a
file was damaged.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXT = "# Report {n}\n\nThe chairman spoke.\n\nThis is document number {n} of the archive.\n"
COMMAND = [sys.executable, "-c", "from srllm_cli.cli import main; main()", "rewrite", "--in-place", "--quiet", "."]


def main() -> int:
    """Run the rounds; print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        return 1 if rounds(Path(folder), asked.rounds, asked.files, chance) else 0


def rounds(folder: Path, count: int, files: int, chance: random.Random) -> int:
    """Return how many files were damaged in ``count`` rounds."""
    old = {folder / f"{n:04}.md": TEXT.format(n=n).encode() for n in range(files)}
    restore(old)
    seconds = whole_run(folder)  # fills the store
    new = {path: path.read_bytes() for path in old}
    assert all(new[path] != old[path] for path in old), "every file should change"
    restore(old)
    seconds = whole_run(folder)
    print(f"{files} files; a whole run takes {seconds:.2f} s")
    damaged = killed = partly = 0
    for _ in range(count):
        restore(old)
        process = subprocess.Popen(COMMAND, cwd=folder)
        time.sleep(chance.uniform(0, seconds))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        states = {path: path.read_bytes() for path in old}
        bad = [path for path, content in states.items() if content not in (old[path], new[path])]
        damaged += len(bad)
        partly += 0 < sum(states[path] == new[path] for path in old) < files
    print(f"{count} rounds: {killed} killed in time, {partly} of them with some files written; {damaged} files damaged")
    return damaged


def whole_run(folder: Path) -> float:
    """Let a run finish; return how long it took."""
    begin = time.perf_counter()
    subprocess.run(COMMAND, cwd=folder, check=True)
    return time.perf_counter() - begin


def restore(contents: dict[Path, bytes]) -> None:
    """Put the old files back, and remove what a killed run left beside them."""
    folder = next(iter(contents)).parent
    for left in folder.glob(".*.srllm"):
        left.unlink()
    for path, content in contents.items():
        path.write_bytes(content)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
