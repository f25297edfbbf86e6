"""A model's name to a GGUF on this disk: the built-in model, a path, the hub. It runs no model, and loads no torch."""

from __future__ import annotations

from srllm_cli.models.registry import ModelFile, resolve

__all__ = ["ModelFile", "resolve"]
