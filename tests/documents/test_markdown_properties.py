from __future__ import annotations

import re

import pytest
from document_fragments import DOCUMENTS
from format_properties import check_invariants, check_nothing_changes, drawn_edits, ordinary, word_edits
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.debias.types import Edit, PieceKind
from srllm_cli.documents import passages
from srllm_cli.documents.apply import PassageEditor, apply_edits, map_edits
from srllm_cli.documents.structure import same_structure

formats = pytest.mark.parametrize("format", ["markdown", "plain"])


@formats
@ordinary
@given(source=DOCUMENTS)
def test_every_piece_shows_the_characters_it_points_at(source: str, format: str) -> None:
    check_invariants(source, passages(source, format))


@formats
@ordinary
@given(source=DOCUMENTS)
def test_edits_that_change_nothing_leave_the_document_identical(source: str, format: str) -> None:
    check_nothing_changes(source, passages(source, format))


def rewrite(source: str, format: str, edits_of: object) -> str:
    """Make all edits that are not refused, and check that they stay inside text pieces."""
    made: list[Edit] = []
    for passage in passages(source, format):
        texts = [p for p in passage.pieces if p.kind is PieceKind.TEXT]
        for mapped in map_edits(passage, source, edits_of(passage)):  # type: ignore[operator]
            for edit in mapped or []:
                assert any(p.source_start <= edit.start <= edit.end <= p.source_end for p in texts)
                made.append(edit)
    return apply_edits(source, made)


@formats
@ordinary
@given(source=DOCUMENTS, make=st.sampled_from(["upper", "person", "older person", "", "a"]))
def test_rewriting_every_word_keeps_the_structure(source: str, make: str, format: str) -> None:
    after = rewrite(source, format, lambda passage: word_edits(passage, make))
    assert same_structure(source, after, format), after


@ordinary
@given(source=DOCUMENTS)
def test_upper_casing_is_never_refused_and_changes_text_pieces_only(source: str) -> None:
    expected, at = [], 0
    made: list[Edit] = []
    for passage in passages(source, "markdown"):
        edits = [e for e in word_edits(passage, "upper") if len(e.replacement) == e.end - e.start]
        mapped = map_edits(passage, source, edits)
        assert None not in mapped
        made += [edit for part in mapped for edit in part or []]
        for piece in passage.pieces:
            if piece.kind is PieceKind.TEXT:
                text = source[piece.source_start : piece.source_end]
                upper = re.sub(r"[^\W\d_]+", lambda m: m[0].upper() if len(m[0].upper()) == len(m[0]) else m[0], text)
                expected += [source[at : piece.source_start], upper]
                at = piece.source_end
    assert apply_edits(source, made) == "".join([*expected, source[at:]])


@formats
@ordinary
@given(source=DOCUMENTS, data=st.data())
def test_any_edit_is_refused_or_keeps_the_structure(source: str, data: st.DataObject, format: str) -> None:
    after = rewrite(source, format, lambda passage: drawn_edits(passage, data))
    assert same_structure(source, after, format), after


@ordinary
@given(source=DOCUMENTS, data=st.data())
def test_an_edit_that_is_made_reads_as_it_should(source: str, data: st.DataObject) -> None:
    found = passages(source, "markdown")
    if not found:
        return
    index = data.draw(st.integers(0, len(found) - 1))
    passage = found[index]
    start = data.draw(st.integers(0, len(passage.text)))
    end = data.draw(st.integers(start, len(passage.text)))
    edit = Edit(start, end, data.draw(st.sampled_from(["person", "a person", "", "old", "many more people"])))
    mapped = PassageEditor(passage, source).take(edit)
    if mapped is None:
        return
    again = passages(apply_edits(source, mapped), "markdown")
    if len(again) == len(found):
        assert " ".join(again[index].text.split()) == " ".join(apply_edits(passage.text, [edit]).split())
