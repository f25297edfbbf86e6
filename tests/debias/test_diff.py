"""Edits are words, and applying them all gives the rewrite."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.debias.diff import apply_all, word_edits, words
from srllm_cli.debias.types import Edit

TEXT = st.text(alphabet=st.sampled_from("ab c.,'’-\n\tÄß中1\u00a0🙂"), max_size=60)


@given(TEXT, TEXT)
def test_applying_every_edit_gives_the_rewrite_exactly(source: str, rewrite: str) -> None:
    assert apply_all(source, word_edits(source, rewrite)) == rewrite


@given(TEXT, TEXT)
def test_edits_are_in_order_and_never_overlap(source: str, rewrite: str) -> None:
    edits = word_edits(source, rewrite)
    assert all(edit.start <= edit.end for edit in edits)
    assert all(one.end < other.start or one.end <= other.start for one, other in pairwise(edits))


@given(TEXT)
def test_words_joined_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text


def test_equal_texts_have_no_edit() -> None:
    assert word_edits("The chair spoke.", "The chair spoke.") == []


def test_an_edit_covers_whole_words() -> None:
    assert word_edits("The chairman spoke.", "The chair spoke.") == [Edit(4, 12, "chair")]


def test_edits_with_one_short_word_between_them_are_one() -> None:
    source, rewrite = "the girls at reception smiled", "the staff in reception smiled"
    assert word_edits(source, rewrite) == [Edit(4, 12, "staff in")]


def test_edits_far_apart_stay_apart() -> None:
    source = "The chairman asked every engineer what he wanted."
    rewrite = "The chair asked every engineer what they wanted."
    assert [source[e.start : e.end] for e in word_edits(source, rewrite)] == ["chairman", "he"]
