"""The settings of a training run, in one place, each with what it does. Knows nothing of how they are carried out."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from srllm_cli.errors import TrainingError
from srllm_cli.training.examples import LossWeights


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of one run. The defaults are those of the built-in model.

    LoRA on every linear layer follows QLoRA (arXiv 2305.14314, section 4); rank and learning rate were chosen on the
    validation split (model card).
    """

    base: str = "smollm2"
    #: Folder of an adapter to go on from (a second stage); its rank and modules then hold. Empty: a new adapter.
    start: str = ""
    #: Share of each source's records in a pass, by the prefix of their ids; ``*`` stands for the sources not named.
    shares: tuple[tuple[str, float], ...] = ()
    rank: int = 32
    alpha: int = 64
    dropout: float = 0.0
    target_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    learning_rate: float = 5e-4
    warmup_share: float = 0.03
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    passes: int = 2
    max_steps: int = 1050
    tokens_per_batch: int = 1536
    max_tokens: int = 768
    twin_share: float = 0.5
    sentence_share: float = 0.25
    loss_weights: LossWeights = field(default_factory=LossWeights)
    protocol: str = "verdict"
    seed: int = 17
    checkpoint_steps: int = 100

    def to_json(self) -> str:
        """Return the recipe as JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Build a recipe from :meth:`to_json`'s values.

        Raises:
            TrainingError: naming the first unknown key.
        """
        known = {item.name for item in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise TrainingError(f"unknown recipe key {unknown[0]!r}", hint="known: " + ", ".join(sorted(known)))
        values = dict(values)
        if "loss_weights" in values:
            values["loss_weights"] = LossWeights(**values["loss_weights"])
        if "target_modules" in values:
            values["target_modules"] = tuple(values["target_modules"])
        if "shares" in values:
            values["shares"] = tuple((str(source), float(share)) for source, share in values["shares"])
        return cls(**values)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a recipe file."""
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
