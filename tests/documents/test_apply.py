from __future__ import annotations

import pytest

from srllm_cli.debias.types import Edit, Passage
from srllm_cli.documents import passages
from srllm_cli.documents.apply import PassageEditor, apply_edits, map_edits, source_edits
from srllm_cli.documents.structure import same_structure


def edit_of(passage: Passage, old: str, new: str) -> Edit:
    at = passage.text.index(old)
    return Edit(at, at + len(old), new)


def rewritten(source: str, old: str, new: str, format: str = "markdown", index: int = 0) -> str | None:
    passage = passages(source, format)[index]
    edits = source_edits(passage, source, edit_of(passage, old, new))
    return None if edits is None else apply_edits(source, edits)


@pytest.mark.parametrize(
    ("source", "old", "new", "expected"),
    [
        ("The chairman left.", "chairman", "chair", "The chair left."),
        ("The **chairman** left.", "chairman", "chair", "The **chair** left."),
        ("The [chairman](man) left.", "chairman", "chair", "The [chair](man) left."),
        ("The old *man* left.", "old man", "person", None),
        ("The old **man left** now.", "old man", "person", "The person **left** now."),
        ("The **old man** left.", "old ", "", "The **man** left."),
        ("The old\nman left.", "old man", "older person", "The older\nperson left."),
        ("The old\nman left.", "old man", "person", "The person\nleft."),
        ("An old  \nman left.", "old ", "", "An  \nman left."),
        ("> An old\n> man left.", "old man", "elder", "> An elder\n> left."),
        ("The man\nold left.", "man old", "x", "The x\nleft."),
        ("One\ntwo\nthree four.", "two", "", None),
        ("One\ntwo\nthree four.", "One two three", "a b c", "a\nb\nc four."),
        ("One\ntwo\nthree four.", "One two three", "a", None),
        ("The man left", "man left", "people left", "The people left"),
        ("The man", " man", "", "The"),
        ("The old man", "man", "", "The old"),
        ("- The man", "The ", "", "- man"),
        ("The `x` man", "`x` man", "person", None),
        ("The `x` man", "x", "y", None),
        ('He said "a man is a man" now', "man is", "person is", None),
        ("The man [x](y)", "man", "", "The  [x](y)"),
        ("[x]", "x", "X", "[X]"),
    ],
)
def test_an_edit_goes_where_the_words_are(source: str, old: str, new: str, expected: str | None) -> None:
    assert rewritten(source, old, new) == expected


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        ("**man** x", "man", ""),
        ("[man](u) x", "man", ""),
        ("a *man* x", "man", " person"),
        ("a *man* x", "man", "person."),
        ("See # men", "See ", ""),
        ("Call - men", "Call ", ""),
        ("In 1986. A man", "In ", ""),
        ("Say > men", "Say ", ""),
        ("Foo\nman === x", "man === x", "==="),
        ("man", "man", ""),
        ("| a | man |\n|---|---|\n", "man", ""),
        ("Great [man](u)", "Great ", "Great!"),
        ("man *x*", "man ", "man"),
        ("The man", "The man", "The  "),
        ("# Foo # man", "man", ""),
        ("The [x]: man", "The ", ""),
        ("a & copy; man", "a", "a &"),
    ],
)
def test_an_edit_that_could_change_the_structure_is_refused(source: str, old: str, new: str) -> None:
    at = 1 if source.startswith("|") else 0
    assert rewritten(source, old, new, index=at) is None


@pytest.mark.parametrize("sign", [*"`*_<>[]|\\~#$&{}^@\n\r\t\0\u2028\u0085", "https://x", " www.x.org"])
def test_a_replacement_may_bring_no_mark_up(sign: str) -> None:
    assert rewritten("The man left.", "man", f"per{sign}son") is None


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\0", "\u2028"])
def test_a_replacement_may_bring_no_line_break_to_plain_text(sign: str) -> None:
    assert rewritten("The man left.", "man", f"per{sign}son", "plain") is None


def test_plain_text_takes_any_other_sign() -> None:
    assert rewritten("The man left.", "man", "per*son #1", "plain") == "The per*son #1 left."


def test_an_edit_may_span_fixed_text_that_it_keeps() -> None:
    assert rewritten("The chairman `bob` himself", "chairman `bob` himself", "chair `bob` in person") == (
        "The chair `bob` in person"
    )
    assert rewritten("The chairman `bob` himself", "chairman `bob` himself", "chair `eve` in person") is None
    assert rewritten(
        "He said “it is a man” to men", "He said “it is a man” to men", "They said “it is a man” to us"
    ) == ("They said “it is a man” to us")


def test_an_insertion_goes_into_the_text_beside_it() -> None:
    source = "The `x` man"
    passage = passages(source, "markdown")[0]
    assert source_edits(passage, source, Edit(8, 8, "old ")) == [Edit(8, 8, "old ")]
    assert source_edits(passage, source, Edit(5, 5, "old ")) is None


def test_two_edits_that_are_harmless_apart_can_be_refused_together() -> None:
    source = "One\ntwo men\nthree"
    passage = passages(source, "markdown")[0]
    edits = [edit_of(passage, "two ", ""), edit_of(passage, "men", "")]
    assert map_edits(passage, source, edits)[0] is not None
    assert map_edits(passage, source, edits)[1] is None


def test_a_refused_group_leaves_no_trace() -> None:
    source = "The old man and `x`"
    passage = passages(source, "markdown")[0]
    editor = PassageEditor(passage, source)
    assert editor.take_all([edit_of(passage, "man", "person"), edit_of(passage, "`x`", "y")]) is None
    assert editor.take_all([edit_of(passage, "man", "person")]) == [Edit(8, 11, "person")]


def test_overlapping_edits_are_refused() -> None:
    source = "The old man"
    passage = passages(source, "plain")[0]
    assert map_edits(passage, source, [Edit(4, 8, ""), Edit(6, 9, "x")])[1] is None
    with pytest.raises(ValueError, match="overlaps"):
        apply_edits(source, [Edit(0, 4, ""), Edit(3, 5, "")])


def test_an_edit_that_changes_nothing_is_no_edit() -> None:
    source = "The `old` man"
    passage = passages(source, "markdown")[0]
    assert source_edits(passage, source, Edit(0, len(passage.text), passage.text)) == []
    assert apply_edits(source, []) == source


def test_many_edits_of_one_long_line_are_quick() -> None:
    source = "The chairman met *his* men. " * 1_000
    passage = passages(source, "markdown")[0]
    starts = range(0, len(passage.text), len("The chairman met his men. "))
    edits = [Edit(at + 4, at + 12, "chair") for at in starts[:200]]
    assert None not in map_edits(passage, source, edits)


def test_a_table_that_begins_like_a_list_keeps_its_beginning() -> None:
    source = "chairman\n> chairman\n- chairman | chairman\n  --- | ---\n  chairman | "
    for passage in passages(source, "markdown"):
        for mapped in map_edits(passage, source, [Edit(0, 1, "")]):
            assert same_structure(source, apply_edits(source, mapped or []), "markdown")
