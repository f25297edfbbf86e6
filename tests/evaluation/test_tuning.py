"""The choice of a model's type, and the whole measurement on a small scale."""

from __future__ import annotations

from pathlib import Path

import pytest

from srllm_cli.errors import DataError
from srllm_cli.evaluation.tuning import AS_IT_IS, FORMS, FormFigures, best_form, tune, tuning_texts
from srllm_convert.gguf_file import check_gguf
from srllm_convert.quantize import weight_type


def figures(form: str, pace: float, clean: float, untouched: float) -> FormFigures:
    return FormFigures(form, 1, pace, clean, untouched)


def test_the_fastest_that_loses_nothing_is_best() -> None:
    exact = figures("BF16", 100, 0.80, 0.95)
    assert best_form([exact, figures("Q8_0", 120, 0.795, 0.95)]).form == "Q8_0"
    assert best_form([exact, figures("Q4_0", 200, 0.75, 0.95), figures("Q8_0", 90, 0.80, 0.95)]).form == "BF16"
    assert best_form([exact, figures("Q4_0", 200, 0.80, 0.90)]).form == "BF16"
    assert best_form([exact, figures("Q4_0", 200, 0.90, 0.95)]).form == "Q4_0"


def test_texts_of_both_labels_are_needed(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("biased_text,debiased_text\nIce melts.,Ice melts.\n", encoding="utf-8")
    with pytest.raises(DataError, match="biased and neutral"):
        tuning_texts([tmp_path], None)


@pytest.mark.slow
def test_a_gguf_is_measured_in_every_type_and_the_best_is_written(
    builtin_gguf: Path, root: Path, tmp_path: Path
) -> None:
    texts = tuning_texts([root / "data" / "pairs" / "b01.jsonl"], 8)
    found, best = tune(str(builtin_gguf), texts, tmp_path / "best.gguf")
    own = weight_type(check_gguf(builtin_gguf))
    assert [one.form for one in found] == [AS_IT_IS, *(form for form in FORMS if form != own)]
    assert all(one.words_a_second > 0 for one in found)
    assert best in found
    if best.form != AS_IT_IS:
        assert check_gguf(tmp_path / "best.gguf").kind == "model"
