from __future__ import annotations

import pytest
from document_fragments import DOCUMENTS
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

from srllm_cli.documents import passages
from srllm_cli.documents.mdx import mdx_passages

_CODE = st.sampled_from(
    [
        "import Man from './man'\n\n",
        "export const man = {\n  title: 'The man',\n\n  of: 1,\n}\n\n",
        "<Card\n  title=\"The man > 'x'\"\n  onClick={() => man(1)}\n>\n\n",
        "</Card>\n\n",
        "{men.map((man) => <li>{man}</li>)} ",
        "{/* The man */}\n\n",
        "<>the man</> ",
        "the {`old ${man}`} man <Man of={'x'} /> ",
        "{ man\n",
        "<Man\n",
    ]
)
MDX = st.lists(st.one_of(_CODE, DOCUMENTS.map(lambda text: text + "\n\n")), min_size=1, max_size=4).map("".join)


@ordinary
@given(source=MDX)
def test_edits_that_change_nothing_leave_the_document_identical(source: str) -> None:
    found = mdx_passages(source)
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(source=MDX, make=WORDS)
def test_rewriting_every_word_keeps_the_structure(source: str, make: str) -> None:
    check_every_word(source, "mdx", mdx_passages(source), make)


@ordinary
@given(source=MDX, data=st.data())
def test_any_edit_is_refused_or_keeps_the_structure(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "mdx", mdx_passages(source), data)


@pytest.mark.parametrize(
    "source",
    [
        "import { Man } from 'man'\n",
        "export const man = {\n  title: 'The man',\n\n  more: 'The man',\n}\n",
        "<Card\n  title=\"The man\"\n  onClick={() => man('the man')}\n/>\n",
        "{men.map((man) => <li>the man</li>)}\n",
        "{/* The man */}\n",
        "{\n  /* The man\n\n  The man */\n}\n",
    ],
)
def test_code_is_never_rewritten(source: str) -> None:
    assert texts(mdx_passages(source)) == []


def test_prose_among_jsx_is() -> None:
    found = mdx_passages("import A from 'a'\n\n# Men\n\n<Card a={1}>\n\nThe {man} is <b>here</b>.\n\n</Card>\n")
    assert texts(found) == ["Men", "The {man} is here."]
    assert editable(found) == "Men|The | is |here|."


def test_a_fence_may_hold_anything() -> None:
    assert texts(passages("```\n{ <Man\n```\n\nThe man\n", "mdx")) == ["The man"]
