"""The screen's threshold: how high it may be before the large model's findings are lost.

Chosen on the validation split, from both models' scores of the same passages::

    python -m srllm_cli.evaluation.screening --data data/pairs --model builtin-large --screen builtin

``package_builtin --screen-threshold`` puts the result into the manifest. The choice itself is a function of scores and
knows no model.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from srllm_cli.errors import DataError, SrllmError

#: Of the large model's findings, the share that its screen may lose.
MOST_LOST = 0.005
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Screening:
    """A threshold, and what it does to the passages that it was chosen on."""

    threshold: float
    passages: int
    passed_over: int
    findings: int
    lost: int


def screening_threshold(
    small: Sequence[float], large: Sequence[float], found_from: float, most_lost: float = MOST_LOST
) -> Screening:
    """Return the highest threshold below which at most the share ``most_lost`` of the large model's findings lie.

    ``small`` and ``large`` are the two models' scores of the same passages; a finding is a passage that the large one
    scores at ``found_from`` or more. The threshold is rounded down, to four digits.

    Raises:
        DataError: when the large model finds nothing, so that nothing can be said.
    """
    findings = sorted(score for score, verdict in zip(small, large, strict=True) if verdict >= found_from)
    if not findings:
        raise DataError("the large model finds nothing in these passages, so no threshold can be chosen")
    step = 10**_DIGITS
    threshold = math.floor(findings[int(most_lost * len(findings))] * step) / step
    return Screening(
        threshold=threshold,
        passages=len(small),
        passed_over=sum(score < threshold for score in small),
        findings=len(findings),
        lost=sum(score < threshold for score in findings),
    )


def validation_passages(data: Sequence[Path]) -> list[str]:
    """Return the paragraphs of the validation split, as ``srllm rewrite`` judges them.

    Raises:
        DataError: naming file and row, when the pairs cannot be read.
    """
    from srllm_cli.debias.units import unit_spans
    from srllm_cli.documents import passages
    from srllm_cli.training.pairs import read_pairs
    from srllm_cli.training.splits import split_pairs

    texts = [pair.biased_text for pair in split_pairs(read_pairs(list(data))).named("validation")]
    blocks = [passage.text for text in texts for passage in passages(text, "plain")]
    return [text[start:end] for text in blocks for start, end in unit_spans(text, "paragraph")]


def measure(model: str, screen: str, data: Sequence[Path], threshold: float | None = None) -> Screening:
    """Score the validation split with both models and choose; ``threshold`` is the model's own when ``None``.

    Raises:
        SrllmError: when a model cannot be had, one gives no scores, or the data cannot be read.
    """
    from srllm_cli.api import Debiaser

    texts = validation_passages(data)
    with Debiaser(model, threshold, screen="none") as large:
        verdicts, found_from = large.score(texts), large.threshold
    with Debiaser(screen, screen="none") as small:
        return screening_threshold(small.score(texts), verdicts, found_from)


def main() -> int:
    """Run from the command line; prints the choice as JSON."""
    parser = argparse.ArgumentParser(description="Choose a screen's threshold on the validation split.")
    parser.add_argument("--data", type=Path, action="append", required=True, help="pairs; may be repeated")
    parser.add_argument("--model", required=True, help="the model that is screened for")
    parser.add_argument("--screen", required=True, help="the model that screens")
    parser.add_argument("--threshold", type=float, help="the model's threshold (its own when left out)")
    options = parser.parse_args()
    try:
        found = measure(options.model, options.screen, options.data, options.threshold)
    except SrllmError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
