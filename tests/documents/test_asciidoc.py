from __future__ import annotations

import pytest
from format_properties import (
    WORDS,
    check_any_edit,
    check_every_word,
    check_invariants,
    check_nothing_changes,
    editable,
    ordinary,
    texts,
)
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.documents.asciidoc import asciidoc_passages

_LINES = [
    "The chairman spoke.", "= The man", "== Men at work", "* The man", "** an old man", ". one man", "- The man",
    "1. man", "The *old* man and `man` of {man} link:x[man] <<man>>", "NOTE: The man", "----", "....", "====", "****",
    "|===", "| man | man", "[source,python]", "[NOTE]", ".The title man", ":man: the man", "// the man", "////",
    "man:: the man", "image::man.png[The man]", "+", "", "", "", "  literal man", "++++", "____", "man + +man+ man#",
    "http://example.com/man man ((man)) x -- y", "man +", "[[man]]", "'''", "man (C) é 日本", "--", "include::man[]",
    "a. man", "The man\tis", "_man_ **m**an", "The man:: x", "man;; x", "```", "<1> The man", "* [x] The man",
]  # fmt: skip
DOCUMENTS = st.builds(
    lambda lines, end, last: end.join([*lines, last]),
    st.lists(st.sampled_from(_LINES), max_size=14),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "The man"]),
)


@ordinary
@given(source=DOCUMENTS)
def test_edits_that_change_nothing_leave_the_document_identical(source: str) -> None:
    found = asciidoc_passages(source)
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(source=DOCUMENTS, make=WORDS)
def test_rewriting_every_word_keeps_the_structure(source: str, make: str) -> None:
    check_every_word(source, "asciidoc", asciidoc_passages(source), make)


@ordinary
@given(source=DOCUMENTS, data=st.data())
def test_any_edit_is_refused_or_keeps_the_structure(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "asciidoc", asciidoc_passages(source), data)


@pytest.mark.parametrize(
    "source",
    [
        "= The chairman\nThe Chairman <c@example.com>\n:man: x\n",
        "----\nThe chairman\n----\n",
        "[source,python]\nThe chairman\n",
        "[source]\n----\nThe chairman\n\nThe chairman\n----\n",
        "....\nThe chairman\n....\n",
        "++++\nThe chairman\n++++\n",
        "////\nThe chairman\n////\n",
        "____\nThe chairman\n____\n",
        "|===\n| The chairman\n|===\n",
        "// The chairman\n",
        ":chairman: The chairman\n",
        "  The chairman\n",
        "image::chairman.png[The chairman]\n",
        "include::chairman.adoc[]\n",
        ".The chairman\n",
        "chairman:: The chairman\n",
        "```\nThe chairman\n```\n",
        "`The chairman`\n",
        "----\nThe chairman",
    ],
)
def test_what_is_not_certain_to_be_prose_is_no_passage(source: str) -> None:
    assert texts(asciidoc_passages(source)) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("The\nman\n", ["The man"]),
        ("= Title\n\nThe man\n", ["The man"]),
        ("== The man\n\nA man\n", ["The man", "A man"]),
        ("* The\nman\n** A man\n", ["The man", "A man"]),
        ("NOTE: The man\n", ["The man"]),
        ("[NOTE]\nThe man\n", ["The man"]),
        ("====\nThe man\n====\n", ["The man"]),
    ],
)
def test_prose_reads_as_a_sentence_would(source: str, expected: list[str]) -> None:
    assert texts(asciidoc_passages(source)) == expected


def test_code_macros_and_references_are_shown_and_cannot_be_edited() -> None:
    found = asciidoc_passages("The `man` of link:man[man], {man} and <<man>> *man*.\n")
    assert editable(found) == "The | of |, | and | |man|."
