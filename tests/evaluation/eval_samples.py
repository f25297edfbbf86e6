"""Texts and systems that the evaluation's tests share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from srllm_cli.evaluation.systems import CoversAll, SystemOutput
from srllm_cli.evaluation.texts import EvalText


class Scripted(CoversAll):
    """Gives fixed outputs by id, and counts what it is asked for; may break off after some texts."""

    name = "scripted"
    fingerprint = "scripted"

    def __init__(self, outputs: dict[str, tuple[str, float | None]], fail_after: int | None = None) -> None:
        self._outputs, self._fail_after = outputs, fail_after
        self.asked: list[str] = []

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        for number, text in enumerate(texts):
            if number == self._fail_after:
                raise KeyboardInterrupt
            self.asked.append(text.id)
            output, score = self._outputs[text.id]
            yield SystemOutput(output, score, flagged=output != text.text)


def biased(identifier: str, text: str, debiased: str, spans: Sequence[str], keep: Sequence[str] = ()) -> EvalText:
    return EvalText(
        "pairs", identifier, text, "biased", (debiased,), tuple(spans), tuple(keep), {"dimension": "gender"}
    )


def neutral(identifier: str, text: str) -> EvalText:
    return EvalText("pairs", identifier, text, "neutral", (text,), (), (), {"dimension": "none"})
