from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srllm_cli.documents.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["The man left.", "He was old."],
        ["Really?", "Yes!", "No."],
        ['"Really?" she asked.', "He nodded."],
        ["“Go home.”", "He went."],
        ["(He was old.)", "She was not."],
        ["Dr. Smith met Mrs. Lal in St. Ives.", "They spoke."],
        ["J. R. R. Tolkien wrote it."],
        ["He works for the U.S. Army, e.g. in Ohio, i.e. here."],
        ["Bring pens, paper, etc.", "The rest is here."],
        ["See No. 5 and Fig. 3 on pp. 4-5 of vol. 2."],
        ["Did he go?", "No.", "He stayed."],
        ["She teaches art.", "He does not."],
        ["It costs 3.50 euros.", "Version 2.1.3 is out."],
        ["See example.com/a.b for more.", "Then write to x@y.org."],
        ["Wait... what?", "He left..."],
        ["He paused ... and went on."],
        ["He paused…", "She went on."],
        ["It was I.", "He knew."],
        ["He was born in 1986.", "She was not."],
        ["1. Unzip it.", "2. Open it.", "3. Run it."],
        ["Wow!!!", "Is it?!", "Yes."],
        ["«Va bene.»", "Il est là."],
        ["No stop at all"],
        ["Ends with a colon:", "and a line"],
    ],
)
def test_sentences_are_told_apart(expected: list[str]) -> None:
    gap = "\n\n" if expected[-1] == "and a line" else " "
    assert sentences(gap.join(expected)) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t\n \n"])
def test_blank_text_has_no_sentence(text: str) -> None:
    assert sentence_spans(text) == []


@settings(deadline=None)
@given(text=st.text(alphabet='aB.!?… \n"”’)(1Mrs', max_size=80))
def test_every_character_but_blanks_is_in_one_span(text: str) -> None:
    spans = sentence_spans(text)
    at = 0
    for start, end in spans:
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize("unit", [".", ". ", ". A", "!", "a", " ", "\n", "\n ", '."', '"', "Mr. ", "1. ", "(", ". ("])
def test_time_is_linear_in_the_text(unit: str) -> None:
    sentence_spans(unit * (200_000 // len(unit)))
