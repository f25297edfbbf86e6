from __future__ import annotations

import polib
import pytest
from data_fragments import PROSE
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
from srllm_cli.documents.apply import apply_edits, source_edits
from srllm_cli.documents.po import po_passages
from srllm_cli.errors import InputError

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Last-Translator: The man\\n"\n\n'


def _catalogue(entries: list[tuple[str, str, int]], width: int, end: str) -> str:
    catalogue = polib.POFile(wrapwidth=width)
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Last-Translator": "The man"}
    for number, (said, comment, kind) in enumerate(entries):
        entry = polib.POEntry(msgid=f"The man {number} {said}", comment=" ".join(comment.split()))
        if kind == 1:
            entry.msgid_plural = "men"
            entry.msgstr_plural = {0: said, 1: comment}
        else:
            entry.msgstr = said
            entry.obsolete = kind == 2
        catalogue.append(entry)
    return str(catalogue).replace("\n", end)


_SAID = PROSE.map(lambda said: said.replace("\x0b", "").replace("\u2028", ""))
CATALOGUES = st.builds(
    _catalogue,
    st.lists(st.tuples(_SAID, _SAID, st.sampled_from([0, 0, 0, 1, 2])), max_size=4),
    st.sampled_from([20, 78]),
    st.sampled_from(["\n", "\r\n"]),
)


@ordinary
@given(source=CATALOGUES)
def test_edits_that_change_nothing_leave_the_document_identical(source: str) -> None:
    found = po_passages(source)
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(source=CATALOGUES, make=WORDS)
def test_rewriting_every_word_keeps_the_structure(source: str, make: str) -> None:
    check_every_word(source, "po", po_passages(source), make)


@ordinary
@given(source=CATALOGUES, data=st.data())
def test_any_edit_is_refused_or_keeps_the_structure(source: str, data: st.DataObject) -> None:
    check_any_edit(source, "po", po_passages(source), data)


def test_translations_are_read_and_keys_are_not() -> None:
    source = HEADER + '# The man\n#: man.c:1\nmsgctxt "man"\nmsgid "The man"\nmsgstr "The old man"\n'
    assert texts(po_passages(source)) == ["The old man"]


def test_plurals_are_read_and_obsolete_entries_are_not() -> None:
    source = (
        HEADER + 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "one man"\nmsgstr[1] "men"\n\n#~ msgid "c"\n#~ msgstr "man"\n'
    )
    assert texts(po_passages(source)) == ["one man", "men"]


def test_an_edit_over_two_strings_leaves_both() -> None:
    source = HEADER + 'msgid "x"\nmsgstr ""\n"The old "\n"man left the \\"room\\"\\n"\n"He ran."\n'
    first, second = po_passages(source)
    assert (first.text, second.text) == ('The old man left the "room"', "He ran.")
    after = apply_edits(source, source_edits(first, source, Edit(4, 11, 'a "person"')) or [])
    assert after.endswith('"The a \\"person\\""\n" left the \\"room\\"\\n"\n"He ran."\n')
    assert polib.pofile(after)[0].msgstr == 'The a "person" left the "room"\nHe ran.'


def test_placeholders_tags_and_roles_stay() -> None:
    source = HEADER + 'msgid "x"\nmsgstr "The man %(man)s and %s of <b>men</b>, :ref:`man`, {man}: 100%%."\n'
    assert editable(po_passages(source)) == "The man | and | of |men|, |, |: 100|."


def test_what_is_no_catalogue_is_refused() -> None:
    with pytest.raises(InputError):
        po_passages('msgid "a"\nmsgstr "b\n')
