"""srllm: takes the bias out of text and keeps its knowledge.

The Python API is one class, loaded on first use so that importing the package stays cheap::

    from srllm_cli import Debiaser

    result = Debiaser(model="builtin").rewrite("The chairman spoke.", format="plain")
    print(result.text)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srllm_cli.api import Debiaser

__all__ = ["Debiaser", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Debiaser":
        from srllm_cli.api import Debiaser

        return Debiaser
    if name == "__version__":
        from importlib.metadata import version

        return version("srllm")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
