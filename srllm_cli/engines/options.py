"""How a model is run: options of an engine, apart from it so that they can be given without loading llama.cpp."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to run a model. ``threads`` 0 means every core this process may use; ``gpu_layers`` -1 means all."""

    threads: int = 0
    gpu_layers: int = -1
