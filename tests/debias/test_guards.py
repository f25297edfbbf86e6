"""Each guard refuses what would lose knowledge or break the sentence, and lets a careful edit through."""

import pytest

from srllm_cli.debias.diff import apply_all
from srllm_cli.debias.guards import accept


def reasons(text: str, rewrite: str) -> list[str]:
    return [refusal.reason for refusal in accept(text, rewrite)[1]]


@pytest.mark.parametrize(
    ("text", "rewrite"),
    [
        ("The chairman spoke.", "The chair spoke."),
        ("Police look for a Black man who left without paying.", "Police look for a man who left without paying."),
        ("Women can't park, and the lot is tight.", "Parking is hard for some drivers, and the lot is tight."),
        ("Senior Salesman, Nordhavn Office", "Senior Sales Representative, Nordhavn Office"),
        ("The old crone at desk 4 helped us.", "The woman at desk 4 helped us."),
        ("He paid $86, the cheap Scot.", "He paid $86."),
    ],
)
def test_a_careful_edit_is_accepted(text: str, rewrite: str) -> None:
    edits, refused = accept(text, rewrite)
    assert refused == []
    assert apply_all(text, edits) == rewrite


@pytest.mark.parametrize(
    ("text", "rewrite", "reason"),
    [
        ("The 14 old hags met.", "The women met.", "number lost"),
        ("The hags met.", "The 14 women met.", "number added"),
        ("The lowlifes met on Monday.", "The people met at night.", "date lost"),
        ("That witch Petra Hlavka said no.", "The mayor said no.", "name lost"),
        ("The mayor said so.", "The mayor of Halden said so.", "name added"),
        ("Ask the idiots at help@example.com now.", "Ask the staff now.", "link or code"),
        ("Run the dumb `kill -9` script.", "Run the script.", "link or code"),
        ("They do not hire immigrants.", "They do hire immigrants.", "negation changed"),
        ("The idiot left.", "The [name] left.", "placeholder"),
        ("The idiot left.", "That is a stereotype left.", "lecture"),
        ("The idiot left.", "The человек left.", "another script"),
        ("He is a idiot.", "He is a idiot idiot.", "doubled word"),
        ("She is a crazy boss.", "She is a angry boss.", "article"),
        ("The idiot left.", "left.", "capital lost"),
    ],
)
def test_a_harmful_edit_is_refused_with_its_reason(text: str, rewrite: str, reason: str) -> None:
    assert reason in reasons(text, rewrite)


def test_a_number_may_be_spelled_out() -> None:
    assert reasons("Surprisingly, 16 boys sang.", "Sixteen boys sang.") == []


def test_one_refused_edit_leaves_the_others() -> None:
    text = "The chairman fired 14 lazy bums on Monday."
    edits, refused = accept(text, "The chair fired some people on Monday.")
    assert apply_all(text, edits) == "The chair fired 14 lazy bums on Monday."
    assert [refusal.reason for refusal in refused] == ["number lost"]


def test_a_rewrite_that_drops_most_of_the_text_is_refused_whole() -> None:
    text = "The idiots in the office on the second floor of the old brewery lost the keys again."
    edits, refused = accept(text, "The keys.")
    assert edits == []
    assert {refusal.reason for refusal in refused} == {"too short"}


def test_an_edit_that_the_document_cannot_bear_is_refused() -> None:
    edits, refused = accept("The chairman spoke.", "The chair spoke.", can_apply=lambda _: False)
    assert edits == []
    assert [refusal.reason for refusal in refused] == ["protected"]
