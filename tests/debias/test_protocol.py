"""What a model is asked, and how its answer is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.debias.protocol import Answer, Protocol, parse_answer, render_answer
from srllm_cli.debias.types import DIMENSIONS


@given(st.sampled_from(DIMENSIONS), st.text())
def test_an_answer_is_read_back_as_it_was_rendered(dimension: str, rewrite: str) -> None:
    answer = render_answer(Protocol("verdict"), dimension, rewrite)
    assert parse_answer(answer) == Answer(biased=True, dimension=dimension, rewrite=rewrite)


def test_a_neutral_answer_is_one_word() -> None:
    assert render_answer(Protocol("verdict"), None, "text") == "unbiased"
    assert parse_answer("unbiased") == Answer(biased=False)


@pytest.mark.parametrize(
    "text", ["", "biased", "biased: gender", "biased: nonsense\ntext", "Biased: gender\ntext", "no"]
)
def test_an_answer_of_another_form_is_no_answer(text: str) -> None:
    assert parse_answer(text) is None


def test_protocol_plain_answers_with_the_rewrite_alone() -> None:
    assert render_answer(Protocol("plain"), "gender", "The chair spoke.") == "The chair spoke."


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown protocol"):
        Protocol("chatty")
