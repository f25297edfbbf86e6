"""The small built-in model, in place of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_builtin import RANK, TOKENS, WIDTH, Small, write_gguf

from srllm_cli.models import builtin, manifest
from srllm_cli.models.family import FAMILY


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    made = Small(tmp_path / "data", tmp_path / "base.gguf", tmp_path / "cache")
    made.data.mkdir()
    write_gguf(made.base, {"token_embd.weight": (TOKENS, WIDTH), "blk.0.attn_q.weight": (WIDTH, WIDTH)})
    halves = {"blk.0.attn_q.weight.lora_a": (RANK, WIDTH), "blk.0.attn_q.weight.lora_b": (WIDTH, RANK)}
    write_gguf(made.data / FAMILY["builtin"].adapter_file, halves, kind="adapter")
    made.write_manifest()
    monkeypatch.setenv("SRLLM_CACHE_DIR", str(made.cache))
    monkeypatch.setattr(builtin, "base_path", lambda base, progress: made.base)
    monkeypatch.setattr(manifest, "DATA_FOLDER", made.data)
    yield made
