"""The whole benchmark on a few passages, with the systems that every installation of the tests has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_quick_run_leaves_a_page_figures_and_a_plot(root: Path, tmp_path: Path, builtin_gguf: Path) -> None:
    command = [sys.executable, "-m", "bench", "--data", "data/pairs/b01.jsonl", "--quick", "--out", str(tmp_path)]
    for system in ("chat", "lookup-10", "engine", "srllm"):
        command += ["--system", system]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert "## Goals" in done.stdout
    assert (tmp_path / "measured.md").read_text(encoding="utf-8") in done.stdout
    assert (tmp_path / "growth.svg").read_text(encoding="utf-8").startswith("<svg")
    results = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["results"]
    found = {(pace["system"], pace["biased_share"]): pace["found"] for pace in results["paces"]}
    assert found["chat", 1.0] == found["lookup-10", 1.0]
    assert abs(found["chat", 1.0] - found["engine", 1.0]) <= 1
