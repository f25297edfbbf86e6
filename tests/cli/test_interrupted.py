"""A few rounds of ``bench/interrupted.py``: an in-place run that is killed damages no file."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest
from workplace import Workplace


@pytest.mark.slow
def test_a_killed_run_leaves_every_file_old_or_new(
    root: Path, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("interrupted", root / "bench" / "interrupted.py")
    assert spec is not None and spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    monkeypatch.setattr(bench, "COMMAND", workplace.command("rewrite", "--in-place", "--quiet", "."))
    for name, value in workplace.environment.items():
        monkeypatch.setenv(name, value)
    assert bench.rounds(workplace.folder, 5, 40, random.Random(1)) == 0
