"""The values that flow through the tool: passage, verdict, edit, rewrite, finding.

Everything here is immutable and knows no file, no model and no terminal. Offsets are in characters (Python string
indices), half open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

#: The dimensions of bias a verdict can name (``data/GUIDELINES.md``).
DIMENSIONS = (
    "gender",
    "race_ethnicity",
    "nationality",
    "religion",
    "age",
    "disability",
    "sexual_orientation",
    "socioeconomic",
    "political",
    "appearance",
    "occupation",
    "toxicity",
)


class PieceKind(str, Enum):
    """What a stretch of a passage is to the writer."""

    TEXT = "text"  #: prose; shown as it stands and open to edits
    BREAK = "break"  #: a soft line break with its markup (``\n> ``); shown as one space
    FIXED = "fixed"  #: shown as it stands so that the sentence reads, but never edited (code, a quotation)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage's text and the stretch of the document that it comes from.

    ``start``/``end`` are offsets in :attr:`Passage.text`, ``source_start``/``source_end`` in the document. TEXT and
    FIXED pieces are the same string on both sides; a BREAK is ``" "`` in the passage.
    """

    start: int
    end: int
    source_start: int
    source_end: int
    kind: PieceKind


class Block(str, Enum):
    """What kind of block of its document a passage is: it decides which edits the mark-up can bear."""

    PLAIN = "plain"  #: plain text; nothing but lines
    PARAGRAPH = "paragraph"  #: a Markdown paragraph, also one in a list item, a block quote or a footnote
    HEADING = "heading"  #: a Markdown heading, ATX or setext
    CELL = "cell"  #: a cell of a Markdown table
    RST = "rst"  #: a block of reStructuredText
    ASCIIDOC = "asciidoc"  #: a block of AsciiDoc
    MARKUP = "markup"  #: text among tags, or in an attribute of one: its layout means nothing


class SourceView(Protocol):
    """Text that stands in a document in another notation (a JSON string): what it says, and where it says it."""

    @property
    def text(self) -> str:
        """What the document says there."""
        ...

    def source_start(self, at: int) -> int:
        """Where in the document the character at an offset of the text begins."""
        ...

    def source_end(self, at: int) -> int:
        """Where in the document the character before an offset of the text ends."""
        ...

    def document_edits(self, edit: Edit) -> list[Edit] | None:
        """The edits of the document that an edit of the text takes; ``None`` when the notation cannot bear it."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A block of prose (a paragraph, heading, list item or cell) as the model reads it.

    ``pieces`` cover ``text`` without gaps, in order. Where two neighbouring pieces do not touch in the document, the
    mark-up between them (``**``, a link's target) is hidden from the model and stays byte for byte.

    With a ``view``, what the pieces call the document is the text of the view. ``limit`` is the width that the block
    may grow to, where its mark-up sets one (the line under a title).
    """

    text: str
    pieces: tuple[Piece, ...]
    block: Block = Block.PLAIN
    view: SourceView | None = None
    limit: int | None = None

    @property
    def source_start(self) -> int:
        """Where the passage begins in the document."""
        start = self.pieces[0].source_start
        return start if self.view is None else self.view.source_start(start)

    @property
    def source_end(self) -> int:
        """Where the passage ends in the document."""
        end = self.pieces[-1].source_end
        return end if self.view is None else self.view.source_end(end)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The model's judgement of one text: ``score`` is p(biased) / (p(biased) + p(unbiased)), in [0, 1]."""

    score: float
    dimension: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace ``[start, end)`` of a text by ``replacement`` (which may be empty)."""

    start: int
    end: int
    replacement: str


class Status(str, Enum):
    """What became of a finding."""

    REWRITTEN = "rewritten"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to report, in offsets of the input document.

    With status ``rewritten`` it is one edit: replacing ``[start, end)``, which reads ``original``, by ``replacement``.
    With ``needs_review`` it is a biased sentence that no acceptable rewrite was found for; the document keeps it, and
    ``replacement`` is ``None``. ``score`` is the sentence's (``None``: the model gives no score). ``sentence`` is where
    the sentence stands in the document; its edits were judged together, so they are taken or left together.
    """

    start: int
    end: int
    original: str
    replacement: str | None
    dimension: str
    score: float | None
    status: Status
    sentence: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A paragraph that was judged, and its score. ``None``: the model gives no score.

    ``screened``: the screening model passed it over, and the score is that model's.
    """

    start: int
    end: int
    score: float | None
    screened: bool = False


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The result for one document: the text after, every finding and every scored passage, in document order.

    Applying the findings whose status is ``rewritten`` to the input gives ``text``, exactly.
    """

    text: str
    findings: tuple[Finding, ...] = field(default=())
    passages: tuple[ScoredPassage, ...] = field(default=())
