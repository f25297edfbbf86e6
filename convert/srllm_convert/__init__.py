"""Hugging Face checkpoints and LoRA adapters to GGUF, and GGUF to other quantisations.

It knows files and formats; it runs no model and needs no torch. ``quantize_command`` is the way in for the command
line; it is loaded on first use, so that importing the package stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srllm_convert.quantize import quantize_command

__all__ = ["quantize_command"]


def __getattr__(name: str) -> Any:
    if name == "quantize_command":
        from srllm_convert.quantize import quantize_command

        return quantize_command
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
