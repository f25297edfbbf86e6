"""Why a finding is one: a plain sentence for each dimension, kept as data with the guideline's rules behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "dimensions.json"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a reader is told of a dimension. ``rules`` are numbers of the guideline's rules (``source``)."""

    name: str
    why: str
    rules: tuple[int, ...]
    source: str

    @property
    def reference(self) -> str:
        """Name the rules; the empty string where the guideline has none for it."""
        if not self.rules:
            return ""
        return f"{self.source}, {'rule' if len(self.rules) == 1 else 'rules'} {', '.join(map(str, self.rules))}"


@lru_cache(maxsize=1)
def explanations() -> dict[str, Explanation]:
    """Return the table, by dimension."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        dimension: Explanation(row["name"], row["why"], tuple(row["rules"]), content["source"])
        for dimension, row in content["dimensions"].items()
    }


def explanation(dimension: str) -> Explanation:
    """Return what is told of a dimension."""
    return explanations()[dimension]
