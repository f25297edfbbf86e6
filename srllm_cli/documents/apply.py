"""From an edit of a passage to edits of its document, or a refusal where the mark-up could not bear it.

It knows passages and characters, not parsers: that an edit leaves the document's structure alone follows from rules on
what stands beside it. The rules are stricter than Markdown needs; an edit refused in vain costs a finding, an edit made
in error costs a document.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from srllm_cli.debias.types import Block, Edit, Passage, Piece, PieceKind
from srllm_cli.documents.bearing import bearing, width, writable

_CLOSING_HASHES = re.compile(r"(?:\A|\s)#+\s*\Z")
#: How much of a line decides what block it starts.
_HEAD = 240


@dataclass(frozen=True, slots=True)
class _Change:
    """An edit in document offsets, inside one piece."""

    piece: int
    start: int
    end: int
    replacement: str


class PassageEditor:
    """Takes edits of one passage one after another, and remembers those it took, so that each fits all before it."""

    def __init__(self, passage: Passage, source_text: str) -> None:
        self._passage = passage
        self._pieces = passage.pieces
        self._source = source_text if passage.view is None else passage.view.text
        self._taken: dict[int, list[_Change]] = {}

    def take(self, edit: Edit) -> list[Edit] | None:
        """Map an edit in passage offsets to edits in document offsets.

        Args:
            edit: What to change; it may not overlap an edit that was taken before.

        Returns:
            The edits of the document, in order (none when nothing changes), or ``None`` when the edit would touch fixed
            text, break the mark-up or move the structure of the document. A refused edit leaves no trace.
        """
        if self._passage.text[edit.start : edit.end] == edit.replacement:
            return []
        if any(self._pieces[i].kind is PieceKind.FIXED for i in self._touched(edit.start, edit.end)):
            parts = self._around_fixed(edit)
            return self.take_all(parts) if parts else None
        if not writable(edit.replacement, self._passage.block):
            return None
        for candidate in self._candidates(edit):
            changes = [c for c in candidate if self._source[c.start : c.end] != c.replacement]
            if not self._is_safe(changes):
                continue
            made = self._in_document([Edit(c.start, c.end, c.replacement) for c in changes])
            # An insertion at the first character of a string in a list would go to the end of the string before it.
            if made is not None and all(self._holds(edit) for edit in made):
                for change in changes:
                    self._taken.setdefault(change.piece, []).append(change)
                return made
        return None

    def _holds(self, edit: Edit) -> bool:
        return self._passage.source_start <= edit.start <= edit.end <= self._passage.source_end

    def take_all(self, edits: Iterable[Edit]) -> list[Edit] | None:
        """Take several edits, or none of them when one is refused."""
        taken = {i: list(changes) for i, changes in self._taken.items()}
        made: list[Edit] = []
        for edit in edits:
            part = self.take(edit)
            if part is None:
                self._taken = taken
                return None
            made += part
        return made

    def _in_document(self, edits: list[Edit]) -> list[Edit] | None:
        """Edits of the source in terms of the document: the same, unless the passage is in another notation there."""
        if self._passage.view is None:
            return edits
        parts = [self._passage.view.document_edits(edit) for edit in edits]
        return None if None in parts else [edit for part in parts for edit in part or []]

    def _around_fixed(self, edit: Edit) -> list[Edit] | None:
        """Cut an edit into those between the fixed pieces it spans, if the replacement has each of them unchanged."""
        text, new = self._passage.text, edit.replacement
        parts: list[Edit] = []
        at = done = 0
        for i in self._touched(edit.start, edit.end):
            piece = self._pieces[i]
            if piece.kind is not PieceKind.FIXED:
                continue
            fixed = text[piece.start : piece.end]
            found = new.find(fixed, done)
            # One that is there more often or less often than before could be taken for another.
            if found < 0 or new.count(fixed) != text.count(fixed, edit.start, edit.end):
                return None
            if piece.start < edit.start or piece.end > edit.end:
                return None
            parts.append(Edit(max(at, edit.start), piece.start, new[done:found]))
            at, done = piece.end, found + len(fixed)
        return [*parts, Edit(at, edit.end, new[done:])]

    # -- where an edit could go ---------------------------------------------------------------------------------------

    def _candidates(self, edit: Edit) -> Iterator[list[_Change]]:
        """Ways to make the edit in the document, best first; each may still be unsafe."""
        if edit.start == edit.end:
            yield from self._insertions(edit)
            return
        yield from self._placements(edit)
        text, start, end, new = self._passage.text, edit.start, edit.end, edit.replacement
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        # A line break stays, so a blank beside the edit goes in its stead.
        if after == " ":
            yield from self._placements(Edit(start, end + 1, new + " "))
        if before == " ":
            yield from self._placements(Edit(start - 1, end, " " + new))
        # A deletion at the edge of a line takes the blank there with it.
        if not new and before == " " and (not after or after in " .,;:!?"):
            yield from self._placements(Edit(start - 1, end, ""))
        if not new and after == " " and (not before or before == " "):
            yield from self._placements(Edit(start, end + 1, ""))
        narrower = _trim(text, edit)
        if narrower != edit:
            yield from self._insertions(narrower) if narrower.start == narrower.end else self._placements(narrower)

    def _insertions(self, edit: Edit) -> Iterator[list[_Change]]:
        last = bisect_right(self._pieces, edit.start, key=_piece_start) - 1
        for i in (last - 1, last) if self._pieces[last].start == edit.start else (last,):
            if i >= 0 and self._pieces[i].kind is PieceKind.TEXT:
                at = edit.start - self._pieces[i].start + self._pieces[i].source_start
                yield [_Change(i, at, at, edit.replacement)]

    def _touched(self, start: int, end: int) -> range:
        first = bisect_right(self._pieces, start, key=_piece_start) - 1
        return range(first, bisect_left(self._pieces, end, key=_piece_start))

    def _placements(self, edit: Edit) -> Iterator[list[_Change]]:
        """Spread the replacement over the lines that the edit spans; within a line it goes to one piece."""
        lines: list[list[_Change]] = [[]]
        touched = self._touched(edit.start, edit.end)
        for i in touched:
            piece = self._pieces[i]
            if piece.kind is PieceKind.FIXED:
                return
            if piece.kind is PieceKind.BREAK:
                lines.append([])
                continue
            shift = piece.source_start - piece.start
            start, end = max(edit.start, piece.start), min(edit.end, piece.end)
            lines[-1].append(_Change(i, start + shift, end + shift, ""))
        if not lines[0]:
            lines[0] = self._anchor(touched.start - 1, at_end=True)
        if not lines[-1]:
            lines[-1] = self._anchor(touched.stop, at_end=False)
        parts = _spread(edit.replacement, [sum(c.end - c.start for c in line) for line in lines])
        if parts is None or any(part and not line for part, line in zip(parts, lines, strict=True)):
            return
        yield [
            _Change(c.piece, c.start, c.end, part if k == 0 else c.replacement)
            for line, part in zip(lines, parts, strict=True)
            for k, c in enumerate(line)
        ]

    def _anchor(self, i: int, *, at_end: bool) -> list[_Change]:
        """A place to write on the far side of a line break at the edge of an edit."""
        if not 0 <= i < len(self._pieces) or self._pieces[i].kind is not PieceKind.TEXT:
            return []
        at = self._pieces[i].source_end if at_end else self._pieces[i].source_start
        return [_Change(i, at, at, "")]

    # -- whether it may -----------------------------------------------------------------------------------------------

    def _is_safe(self, changes: list[_Change]) -> bool:
        contents: dict[int, str] = {}
        for i in {c.piece for c in changes}:
            content = self._content(i, [c for c in changes if c.piece == i])
            if content is None:
                return False
            contents[i] = content
        lines = {self._line_start(i) for i in contents}
        return (
            all(self._edges_hold(i, contents[i]) for i in contents)
            and all(first is None or self._line_holds(first, contents) for first in lines)
            and self._fits(contents)
        )

    def _fits(self, contents: dict[int, str]) -> bool:
        """Whether the block keeps within the width that its mark-up sets."""
        limit = self._passage.limit
        return limit is None or width("".join(self._line_parts(0, contents))) <= limit

    def _content(self, i: int, new: Iterable[_Change] = ()) -> str | None:
        """What a piece reads after the changes taken and the new ones; ``None`` when they overlap."""
        piece = self._pieces[i]
        changes = sorted((*self._taken.get(i, ()), *new), key=lambda c: (c.start, c.end))
        parts: list[str] = []
        at = piece.source_start
        for k, change in enumerate(changes):
            if change.start < at or (k and change.start == change.end == changes[k - 1].start):
                return None
            parts += (self._source[at : change.start], change.replacement)
            at = change.end
        parts.append(self._source[at : piece.source_end])
        return "".join(parts)

    def _edges_hold(self, i: int, content: str) -> bool:
        """Whether what stands beside a piece means what it meant: mark-up, line breaks, the passage's ends."""
        source, piece = self._source, self._pieces[i]
        before = self._pieces[i - 1] if i else None
        after = self._pieces[i + 1] if i + 1 < len(self._pieces) else None
        hidden_before = before is not None and before.source_end != piece.source_start
        hidden_after = after is not None and after.source_start != piece.source_end
        if not content.strip() and (hidden_before or hidden_after):
            return False  # it may be all that a pair of marks encloses
        first = content[:1] or source[piece.source_end : piece.source_end + 1]
        last = content[-1:] or (source[piece.source_start - 1] if piece.source_start else "")
        if (before is None or before.kind is PieceKind.BREAK) and content and first.isspace():
            return False
        if (hidden_before or (before is not None and before.kind is PieceKind.FIXED)) and not _alike(
            source[piece.source_start], first, backslash=source[piece.source_start - 1] == "\\"
        ):
            return False
        if (after is None or after.kind is PieceKind.BREAK) and content and last.isspace():
            return False
        return not (hidden_after or (after is not None and after.kind is PieceKind.FIXED)) or _alike(
            source[piece.source_end - 1], last
        )

    def _line_start(self, i: int) -> int | None:
        """The first piece of the line that a piece is on, if it is near enough to matter."""
        lowest = 0 if self._passage.block is Block.HEADING else i - _HEAD
        while i > max(lowest, 0) and self._pieces[i - 1].kind is not PieceKind.BREAK:
            i -= 1
        return i if i > lowest or i == 0 else None

    def _line_holds(self, first: int, contents: dict[int, str]) -> bool:
        """Whether a line still has words, and starts and ends no other block than before."""
        whole = self._passage.block is Block.HEADING
        # Case means nothing to a mark, nor to the label of a reference.
        new = _gather(self._line_parts(first, contents), whole).casefold()
        old = _gather(self._line_parts(first, None), whole).casefold()
        if not new.strip():
            return False
        if not bearing(self._passage.block).start_holds(old, new):
            return False
        return not whole or bool(_CLOSING_HASHES.search(old)) == bool(_CLOSING_HASHES.search(new))

    def _line_parts(self, first: int, contents: dict[int, str] | None) -> Iterator[str]:
        """The source of a line from its first piece on, as it was or with the given contents and what was taken."""
        for i in range(first, len(self._pieces)):
            piece = self._pieces[i]
            if piece.kind is PieceKind.BREAK:
                return
            if i > first:
                yield self._source[self._pieces[i - 1].source_end : piece.source_start]
            if contents is None:
                yield self._source[piece.source_start : piece.source_end]
            else:
                yield contents[i] if i in contents else self._content(i) or ""


def source_edits(passage: Passage, source_text: str, edit: Edit) -> list[Edit] | None:
    """Map one edit in passage offsets to edits in document offsets; see :meth:`PassageEditor.take`.

    For several edits of one passage use one :class:`PassageEditor`: two edits that are each harmless may together empty
    a line.
    """
    return PassageEditor(passage, source_text).take(edit)


def map_edits(passage: Passage, source_text: str, edits: Iterable[Edit]) -> list[list[Edit] | None]:
    """Map several edits of a passage, each checked together with those before it.

    Args:
        passage: The passage.
        source_text: The document it was found in.
        edits: Edits in passage offsets that do not overlap.

    Returns:
        For each edit its edits of the document, or ``None`` when it is refused. All that is returned can be applied
        together.
    """
    editor = PassageEditor(passage, source_text)
    return [editor.take(edit) for edit in edits]


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Make edits that do not overlap; everything outside them stays as it is.

    Raises:
        ValueError: Two edits overlap, or one lies outside the text.
    """
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if not at <= edit.start <= edit.end <= len(text):
            raise ValueError(f"edit {edit} overlaps another or lies outside the text")
        parts += (text[at : edit.start], edit.replacement)
        at = edit.end
    parts.append(text[at:])
    return "".join(parts)


def _piece_start(piece: Piece) -> int:
    return piece.start


def _trim(text: str, edit: Edit) -> Edit:
    """Leave out what the original and the replacement have in common at both ends."""
    old, new = text[edit.start : edit.end], edit.replacement
    shortest = min(len(old), len(new))
    head = next((k for k in range(shortest) if old[k] != new[k]), shortest)
    tail = next((k for k in range(shortest - head) if old[-1 - k] != new[-1 - k]), shortest - head)
    return Edit(edit.start + head, edit.end - tail, new[head : len(new) - tail])


def _spread(replacement: str, lengths: list[int]) -> list[str] | None:
    """Cut a replacement at blanks into one part for each line, about as long as what it replaces there."""
    blanks = [k for k, c in enumerate(replacement) if c == " "]
    cuts = len(lengths) - 1
    if len(blanks) < cuts:
        return None
    parts: list[str] = []
    at = lowest = done = 0
    total = sum(lengths) or 1
    for k in range(cuts):
        done += lengths[k]
        target = done * len(replacement) / total
        choices = range(lowest, len(blanks) - (cuts - 1 - k))
        chosen = min(choices, key=lambda c: abs(blanks[c] - target))
        parts.append(replacement[at : blanks[chosen]])
        at, lowest = blanks[chosen] + 1, chosen + 1
    return [*parts, replacement[at:]]


def _alike(old: str, new: str, *, backslash: bool = False) -> bool:
    """Whether two neighbours of a mark are the same to Markdown: both blank, both letters, or the very same sign."""
    if backslash and (new in "\r\n") != (old in "\r\n"):
        return False
    return _character_class(old) == _character_class(new)


def _character_class(char: str) -> str:
    if not char or char.isspace():
        return " "
    if char.isdigit():
        return "0"
    return "a" if char.isalpha() else char


def _gather(parts: Iterable[str], whole: bool) -> str:
    """The start of a line, with an ellipsis where it is cut; all of it if ``whole`` or if it begins blank."""
    line = ""
    for part in parts:
        line += part
        if not whole and len(line) > _HEAD and line.strip():
            return line[:_HEAD] + "…"
    return line
