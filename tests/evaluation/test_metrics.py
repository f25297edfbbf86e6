from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.evaluation.edits import EditCounts, WordEdit, count_edits, word_edits
from srllm_cli.evaluation.metrics import chrf, is_clean, score_text, span_gone

WORDS = st.lists(st.sampled_from(["the", "old", "man", "nurse", "won", "9", "a", "Leeds", "-"]), min_size=1, max_size=8)
TEXTS = WORDS.map(" ".join)


def test_span_inside_a_longer_word_counts_as_gone() -> None:
    assert span_gone("man", "The manual for chairmen")
    assert not span_gone("man", "The man.")


def test_span_is_case_sensitive() -> None:
    assert span_gone("Man", "the man")


def test_span_that_begins_with_a_comma_is_found_after_a_word() -> None:
    assert not span_gone(", a bearded Muslim,", "Bail was refused to Kamal, a bearded Muslim, on Tuesday.")
    assert span_gone(", a bearded Muslim,", "Bail was refused to Kamal on Tuesday.")


def test_span_with_regular_expression_signs_is_taken_literally() -> None:
    assert not span_gone("(s)he?", "Can (s)he? No")


def test_clean_needs_the_bias_gone_and_the_facts_kept() -> None:
    source, spans, keep = "Two pushy women won.", ["pushy"], ["Two", "won"]
    assert score_text(source, "Two women won.", spans=spans, keep=keep).clean is True
    assert score_text(source, "Women won.", spans=spans, keep=keep).clean is False
    assert score_text(source, source, spans=spans, keep=keep).clean is False
    assert score_text(source, "", spans=spans, keep=keep).clean is False


def test_a_text_without_spans_is_neither_clean_nor_unclean() -> None:
    assert score_text("Hello.", "Hello.").clean is None


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, max_size=3))
def test_clean_implies_every_span_gone_and_every_fact_kept(output: str, spans: list[str], keep: list[str]) -> None:
    scores = score_text("source", output, spans=spans, keep=keep)
    assert scores.clean == (scores.spans_gone == len(spans) and scores.facts_kept == len(keep))
    assert scores.clean == is_clean(output, spans, keep)


def test_edits_are_word_level_and_keep_their_place() -> None:
    edits = word_edits("The chairman spoke to the girls.", "The chair spoke to the women.")
    assert edits == {WordEdit(1, 2, ("chair",)), WordEdit(5, 6, ("women",))}


def test_whitespace_is_no_edit() -> None:
    assert word_edits("a  b\nc", "a b c") == frozenset()


def test_edit_counts_of_a_hand_computed_example() -> None:
    # Reference: chairman -> chair, delete "pushy". Rewrite: chairman -> chair, women -> people.
    source = "The chairman met two pushy women."
    counts = count_edits(source, "The chair met two pushy people.", ["The chair met two women."])
    assert counts == EditCounts(shared=1, extra=1, missing=1)
    assert (counts.precision, counts.recall, counts.f_score()) == (0.5, 0.5, 0.5)


def test_f_half_weighs_precision_more_than_recall() -> None:
    precise, eager = EditCounts(shared=1, missing=3), EditCounts(shared=1, extra=3)
    assert precise.f_score() == pytest.approx(1.25 / (1.25 + 0.25 * 3))
    assert eager.f_score() == pytest.approx(1.25 / (1.25 + 3))


def test_the_reference_that_agrees_best_is_taken() -> None:
    assert count_edits("a b c", "a x c", ["a y c", "a x c"]) == EditCounts(shared=1)


def test_edits_without_a_reference_are_refused() -> None:
    with pytest.raises(ValueError, match="reference"):
        count_edits("a", "b", [])


@given(TEXTS, TEXTS)
def test_a_reference_scores_one_against_itself(source: str, reference: str) -> None:
    assert count_edits(source, reference, [reference]).f_score() == 1.0
    assert chrf(reference, [reference]) == pytest.approx(100.0)


@given(TEXTS, TEXTS)
def test_leaving_a_text_alone_makes_no_edit_and_finds_none(source: str, reference: str) -> None:
    counts = count_edits(source, source, [reference])
    assert (counts.shared, counts.extra) == (0, 0)


@given(st.text(max_size=30), st.lists(st.text(max_size=30), min_size=1, max_size=3))
def test_chrf_is_sacrebleus(output: str, references: list[str]) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    assert chrf(output, references) == pytest.approx(sacrebleu.sentence_chrf(output, references).score, abs=1e-9)
