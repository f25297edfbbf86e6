"""How long a second ``srllm rewrite --check`` of unchanged files takes, against ``python -c "import typer, rich"``.

    python bench/second_check.py --files 300 --runs 7

Each is run in turn, so that both meet the same machine; medians of wall time and of processor time are printed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXT = (
    "# Page {n}\n\nWater boils at {n} degrees in the kitchen of house {n}.\n\n- Step one of {n}.\n- Step two of {n}.\n"
)
FILLER = "The gate of the old mill opens at nine, and the path along the river is dry in summer.\n\n"
CHECK = [sys.executable, "-c", "from srllm_cli.cli import main; main()", "rewrite", "--check", "--quiet", "."]
REFERENCE = [sys.executable, "-c", "import typer, rich"]


def main() -> None:
    """Make the files, check them once, and time further checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--runs", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for n in range(asked.files):
            path = folder / f"part{n % 20}" / f"page{n}.md"
            path.parent.mkdir(exist_ok=True)
            path.write_text(TEXT.format(n=n) + FILLER * 20)
        (folder / ".gitignore").write_text("build/\n*.log\n")
        print(f"first check: {timed(CHECK, folder)[0]:.1f} s")
        pairs = [(timed(CHECK, folder), timed(REFERENCE, folder)) for _ in range(asked.runs)]
    for number, name in enumerate(("wall", "processor")):
        check, reference = (statistics.median(pair[side][number] for pair in pairs) for side in (0, 1))
        print(
            f"{name}: check {1000 * check:.0f} ms, reference {1000 * reference:.0f} ms, ratio {check / reference:.2f}"
        )


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its wall time and processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    code = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode
    wall = time.perf_counter() - begin
    assert code in (0, 1), code
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
