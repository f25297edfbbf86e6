"""A model's name to a GGUF on this disk: the built-in model, a path, the hub. It runs no model, and loads no torch.

The registry is loaded on first use: where the cache lies can be asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srllm_cli.models.registry import ModelFile, resolve

__all__ = ["ModelFile", "resolve"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from srllm_cli.models import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
