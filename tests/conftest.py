"""Models that several rooms' tests share, loaded once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from srllm_cli.debias.protocol import Protocol
from srllm_cli.engines.llama import LlamaEngine

# The gate draws the same examples every time, so that it cannot fail by chance. To search further:
#   HYPOTHESIS_PROFILE=search SRLLM_EXAMPLES=20000 pytest tests/documents
settings.register_profile("gate", max_examples=150, derandomize=True)
settings.register_profile("search", max_examples=int(os.environ.get("SRLLM_EXAMPLES", "3000")), print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def cache_for_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Build the built-in model once, in a cache of the tests' own; child processes inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SRLLM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SRLLM_MODEL", raising=False)
        yield


@pytest.fixture(scope="session")
def builtin_gguf(cache_for_the_session: None) -> Path:
    """The built-in model's GGUF, merged and quantised as on first use."""
    from srllm_cli.models import resolve

    return resolve("builtin").path


@pytest.fixture(scope="session")
def engine(builtin_gguf: Path) -> Iterator[LlamaEngine]:
    """The built-in model, loaded."""
    with LlamaEngine(builtin_gguf, Protocol()) as loaded:
        yield loaded
