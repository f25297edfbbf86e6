"""A passage is cut into units that lose nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.debias.units import LONGEST_UNIT, UNITS, unit_spans

TEXT = st.text(alphabet=st.sampled_from("ab. !?\nA中🙂"), max_size=300)


@given(TEXT, st.sampled_from(UNITS), st.integers(5, 40))
def test_units_cover_all_but_white_space_in_order(text: str, unit: str, longest: int) -> None:
    at = 0
    for start, end in unit_spans(text, unit, longest):
        assert text[at:start].strip() == ""
        assert text[start:end] == text[start:end].strip() != ""
        assert end - start <= longest
        at = end
    assert text[at:].strip() == ""


def test_a_sentence_is_a_unit() -> None:
    text = "He left. Dr. Low stayed."
    assert [text[a:b] for a, b in unit_spans(text, "sentence")] == ["He left.", "Dr. Low stayed."]


def test_a_paragraph_is_one_unit_up_to_the_bound() -> None:
    sentence = "The board met on Monday and talked. "
    text = (sentence * 60).strip()
    spans = unit_spans(text, "paragraph")
    assert len(spans) > 1
    assert all(end - start <= LONGEST_UNIT and text[end - 1] == "." for start, end in spans)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown unit"):
        unit_spans("Text.", "chapter")
