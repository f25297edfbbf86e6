"""What the tests of the command line share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import word_engine
from workplace import Workplace


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """An empty folder to run srllm in, with the engine that knows a handful of words."""
    word_engine.install(monkeypatch)
    folder = tmp_path / "work"
    folder.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SRLLM_")}
    environment |= {"SRLLM_CACHE_DIR": str(tmp_path / "cache"), "WORD_ENGINE_LOG": str(tmp_path / "log")}
    return Workplace(folder, environment)
