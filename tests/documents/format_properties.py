"""What must hold of every format, as functions that each format's tests call with documents of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from srllm_cli.debias.types import Edit, Passage, PieceKind
from srllm_cli.documents.apply import PassageEditor, apply_edits, map_edits
from srllm_cli.documents.structure import same_structure

ordinary = settings(deadline=None, suppress_health_check=list(HealthCheck))

#: What an engine that changes every word may put in its place.
WORDS = st.sampled_from(["upper", "person", "older person", "", "a", "é“x”"])
REPLACEMENTS = st.one_of(
    st.sampled_from(["", " ", "person", "a person", "an older person in the room", "people,", "They.", "chair's"]),
    st.text(alphabet="ab C1. *_`[]()<>!\\|#-+=~&$:^\"'/\n\t", max_size=8),
)


def check_invariants(source: str, found: Iterable[Passage]) -> None:
    """Passages are in order, and every piece shows the characters that it points at."""
    last_end = 0
    for passage in found:
        assert passage.source_start >= last_end
        last_end = passage.source_end
        shown_source = passage.view.text if passage.view is not None else source
        at, source_at = 0, passage.pieces[0].source_start
        for piece in passage.pieces:
            assert piece.start == at < piece.end
            assert source_at <= piece.source_start < piece.source_end
            at, source_at = piece.end, piece.source_end
            shown = passage.text[piece.start : piece.end]
            if piece.kind is PieceKind.BREAK:
                assert shown == " "
            else:
                assert shown == shown_source[piece.source_start : piece.source_end]
                assert "\n" not in shown
                assert "\r" not in shown
        assert at == len(passage.text)
        assert passage.text == passage.text.strip()


def word_edits(passage: Passage, make: str) -> list[Edit]:
    """One edit for every word that may be edited."""
    edits = []
    for piece in passage.pieces:
        if piece.kind is PieceKind.TEXT:
            for match in re.finditer(r"[^\W\d_]+", passage.text[piece.start : piece.end]):
                word = match[0].upper() if make == "upper" else make
                edits.append(Edit(piece.start + match.start(), piece.start + match.end(), word))
    return edits


def drawn_edits(passage: Passage, data: st.DataObject) -> list[Edit]:
    """A few edits anywhere."""
    size = len(passage.text)
    points = sorted(data.draw(st.lists(st.integers(0, size), min_size=2, max_size=6)))
    return [Edit(a, b, data.draw(REPLACEMENTS)) for a, b in zip(points[::2], points[1::2], strict=False)]


def rewritten(source: str, found: list[Passage], edits_of: Callable[[Passage], list[Edit]]) -> str:
    """The document after all edits that are not refused; none of them may reach outside its passage."""
    made: list[Edit] = []
    for passage in found:
        for mapped in map_edits(passage, source, edits_of(passage)):
            for edit in mapped or []:
                assert passage.source_start <= edit.start <= edit.end <= passage.source_end
                made.append(edit)
    return apply_edits(source, made)


def check_nothing_changes(source: str, found: list[Passage]) -> None:
    """With an engine that changes nothing, the document is the same."""
    made: list[Edit] = []
    for passage in found:
        edits = [Edit(m.start(), m.end(), m[0]) for m in re.finditer(r"\w+", passage.text)]
        assert all(mapped == [] for mapped in map_edits(passage, source, edits))
        made += PassageEditor(passage, source).take_all(edits) or []
    assert apply_edits(source, made) == source


def check_every_word(source: str, format: str, found: list[Passage], make: str, fields: Sequence[str] = ()) -> None:
    """With an engine that changes every word, the document keeps its structure."""
    after = rewritten(source, found, lambda passage: word_edits(passage, make))
    assert same_structure(source, after, format, fields), after


def check_any_edit(
    source: str, format: str, found: list[Passage], data: st.DataObject, fields: Sequence[str] = ()
) -> None:
    """Whatever an engine wants to change, the document keeps its structure."""
    after = rewritten(source, found, lambda passage: drawn_edits(passage, data))
    assert same_structure(source, after, format, fields), after


def texts(found: Iterable[Passage]) -> list[str]:
    """What the passages say."""
    return [passage.text for passage in found]


def editable(found: Iterable[Passage]) -> str:
    """What may be edited, pieces parted by bars."""
    return "|".join(p.text[x.start : x.end] for p in found for x in p.pieces if x.kind is PieceKind.TEXT)
