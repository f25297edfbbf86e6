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
from rst_fragments import RST_DOCUMENTS

from srllm_cli.debias.types import Edit
from srllm_cli.documents.apply import source_edits
from srllm_cli.documents.rst import rst_passages


@ordinary
@given(source=RST_DOCUMENTS)
def test_edits_that_change_nothing_leave_the_document_identical(source: str) -> None:
    found = rst_passages(source)
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(source=RST_DOCUMENTS, make=WORDS)
def test_rewriting_every_word_keeps_the_structure(source: str, make: str) -> None:
    check_every_word(source, "rst", rst_passages(source), make)


@ordinary
@given(source=RST_DOCUMENTS, data=st.data())
def test_any_edit_is_refused_or_keeps_the_structure(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "rst", rst_passages(source), data)


def test_an_identifier_is_no_prose() -> None:
    assert editable(rst_passages("Call __init__ of the old_man, man\n")) == "Call | of the |, man"


@pytest.mark.parametrize(
    "source",
    [
        "::\n\n   The chairman\n",
        ".. code-block:: text\n\n   The chairman\n",
        ".. include:: chairman.txt\n",
        ".. toctree::\n   :maxdepth: 2\n\n   chairman\n",
        ".. The chairman\n",
        ".. _chairman: http://x.org/chairman\n",
        ".. |x| replace:: the chairman\n",
        ".. image:: chairman.png\n   :alt: the chairman\n",
        ".. math::\n\n   chairman\n",
        ":Author: The chairman\n:Version: 1\n",
        ">>> chairman\nThe chairman\n",
        "``The chairman``\n",
        "`The chairman`_\n",
        ":doc:`The chairman`\n",
        "|The chairman|\n",
        "| The chairman\n",
        "+----------+\n| chairman |\n+----------+\n",
        "========  ===\nchairman  man\n========  ===\n",
        "----\n",
        "",
    ],
)
def test_what_is_not_prose_is_no_passage(source: str) -> None:
    assert texts(rst_passages(source)) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("The man\n=======\n", "The man"),
        ("=======\nThe man\n=======\n", "The man"),
        ("- The\n  man\n", "The man"),
        ("term\n   The man\n", "The man"),
        (".. note:: The\n   man\n", "The man"),
        (".. note::\n\n   The man\n", "The man"),
        (".. seealso::\n\n   The man\n", "The man"),
        (".. admonition:: The man\n", "The man"),
        (".. figure:: x.png\n   :alt: a man\n\n   The man\n", "The man"),
        (".. py:function:: man(x)\n   :no-index:\n\n   The man\n", "The man"),
        (".. [1] The man\n", "The man"),
        ("Text.\n\n:param x: The man\n", "The man"),
        ("Text.\n\n:param x: a\n:returns: The man\n", "The man"),
        ("The *old* **man**\n", "The old man"),
        ("The man [1]_ x\n", "The man  x"),
    ],
)
def test_prose_reads_as_a_sentence_would(source: str, expected: str) -> None:
    assert " ".join(texts(rst_passages(source))[-1].split()) == " ".join(expected.split())


def test_literals_references_and_roles_are_shown_and_cannot_be_edited() -> None:
    source = "The man ``man`` `man <http://x.org>`_ man_ :doc:`man` |man| \\*man.\n"
    (passage,) = found = rst_passages(source)
    assert passage.text == "The man man man man man man \\*man."
    assert "".join(editable(found).split("|")).split() == ["The", "man", "man."]


def test_a_title_that_a_link_goes_to_by_its_words_is_left_alone() -> None:
    assert texts(rst_passages("The man\n=======\n\nSee `the man`_.\n")) == ["See the man."]


def test_a_title_may_not_outgrow_its_underline() -> None:
    source = "The chairman\n============\n"
    (passage,) = rst_passages(source)
    assert source_edits(passage, source, Edit(4, 12, "chairperson")) is None
    assert source_edits(passage, source, Edit(4, 12, "chair")) is not None
