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

from srllm_cli.debias.types import Edit
from srllm_cli.documents.apply import apply_edits, map_edits, source_edits
from srllm_cli.documents.html import html_passages
from srllm_cli.documents.structure import same_structure

_PARTS = """
The chairman man é 日本 🙂 1986 &amp; &lt; &nbsp; &#8212; &#x41; &copy &copy; &foo; & < > a<b R&D R&amp;D &copyman " '
<b> </b> <i§class="man"> </i> <em> </em> <a§href="/man?a=1&amp;b=2"§title="The§man§&amp;§co"> </a> <br> <br/>
<code>the§man</code> <q>the§man</q> <kbd> </kbd> <p> </p> <div§title='A§man"s'> </div> <li> <td§title=man> </td>
<img§alt="a§man"§src="man.png"> <img§alt='&quot;man&quot;'/> <h1> </h1> <pre>the§§man</pre> <pre> </pre>
<script>let§man§=§"<p>man</p>";</script> <style>.man{}</style> <!--§man§--> <!DOCTYPE§html> <?php§man§?> <textarea>
</textarea> <svg><text>man</text></svg> </nothing> <span§translate="no">man</span> <o:p> <input§title="man"§disabled>
<p§title="two lines"> <![CDATA[man]]> <a§b='>'§title="a§man"> he/she "the§man§said§so" ( ) { } _ * `
""".split()  # noqa: SIM905
_HTML = st.lists(
    st.tuples(
        st.sampled_from([part.replace("§", " ") for part in _PARTS]), st.sampled_from(["", " ", " ", "\n", "\n  "])
    ),
    max_size=25,
).map(lambda parts: "".join("".join(part) for part in parts))
_SIGNS = st.text(alphabet="ab <>&;=\"'/!-\n#1", max_size=50)
DOCUMENTS = st.tuples(st.one_of(_HTML, _HTML, _HTML, _SIGNS), st.sampled_from(["\n", "\r\n", "\r"])).map(
    lambda drawn: drawn[0].replace("\n", drawn[1])
)


def by_piece(source: str) -> None:
    """Like the invariants of the other formats, but an attribute's passage may lie inside a text's."""
    for passage in html_passages(source):
        check_invariants(source, [passage])


@ordinary
@given(source=DOCUMENTS)
def test_edits_that_change_nothing_leave_the_document_identical(source: str) -> None:
    by_piece(source)
    check_nothing_changes(source, html_passages(source))


@ordinary
@given(source=DOCUMENTS, make=WORDS)
def test_rewriting_every_word_keeps_the_structure(source: str, make: str) -> None:
    check_every_word(source, "html", html_passages(source), make)


@ordinary
@given(source=DOCUMENTS, data=st.data())
def test_any_edit_is_refused_or_keeps_the_structure(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "html", html_passages(source), data)


def test_what_is_written_never_ends_a_tag_that_was_left_open() -> None:
    source = '<p title="two'
    for passage in html_passages(source):
        for mapped in map_edits(passage, source, [Edit(2, 2, ">")]):
            assert same_structure(source, apply_edits(source, mapped or []), "html")


def test_words_of_an_element_that_its_block_leaves_open_stay() -> None:
    assert editable(html_passages("<p><kbd>The man<h1>The man</h1></kbd> A man")) == "A man"


@pytest.mark.parametrize(
    "source",
    [
        "<script>let chairman = 'The chairman';</script>",
        "<style>.chairman {}</style>",
        "<pre>The chairman</pre>",
        "<code>The chairman</code>",
        "<textarea>The chairman</textarea>",
        "<!-- The chairman -->",
        "<svg><text>The chairman</text></svg>",
        "<p translate='no'>The chairman</p>",
        '<a href="chairman" class="chairman" data-title="chairman"></a>',
        "<img alt=chairman>",
        "<q>The chairman</q>",
        "",
    ],
)
def test_what_is_not_prose_is_no_passage(source: str) -> None:
    assert texts(html_passages(source)) == []


def test_blocks_part_passages_and_inline_tags_do_not() -> None:
    source = "<h1>Men</h1><p>The <b>old</b> <a href='x'>man</a>.<p>A<br>man<ul><li>one<li>two</ul>"
    assert texts(html_passages(source)) == ["Men", "The old man.", "A man", "one", "two"]


def test_alt_and_title_are_passages_of_their_own() -> None:
    source = '<p>See <img src="man.png" alt="A man at work" title="The man"> here.</p>'
    assert texts(html_passages(source)) == ["See here.", "A man at work", "The man"]


def test_entities_are_read_as_what_they_stand_for_and_come_back_as_they_were() -> None:
    source = "<p>The chairman&#8217;s R&amp;D &lt;team&gt; caf&eacute;</p>"
    (passage,) = html_passages(source)
    assert passage.text == "The chairman’s R&D <team> café"
    edits = source_edits(passage, source, Edit(4, 14, "chair’s"))
    assert apply_edits(source, edits or []) == "<p>The chair’s R&amp;D &lt;team&gt; caf&eacute;</p>"


def test_a_replacement_is_escaped_where_it_must_be() -> None:
    source = '<p title="The chairman">x</p><p>The chairman</p>'
    attribute, _, text = html_passages(source)
    replacement = 'a "b" & <c>'
    assert source_edits(attribute, source, Edit(4, 12, replacement)) == [
        Edit(14, 22, "a &quot;b&quot; &amp; &lt;c>"),
    ]
    assert [e.replacement for e in source_edits(text, source, Edit(4, 12, replacement)) or []] == ['a "b" &amp; &lt;c>']


def test_code_and_quotations_are_shown_and_cannot_be_edited() -> None:
    found = html_passages("<p>Run <code>man</code>, he said <q>a man</q> there.</p>")
    assert texts(found) == ["Run man, he said a man there."]
    assert editable(found) == "Run |, he said | there."
