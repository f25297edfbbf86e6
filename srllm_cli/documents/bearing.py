"""What the mark-up of each kind of block can bear: which signs words may not bring, and what a line may not begin like.

Pure tables of patterns, stricter than any of the formats needs; how edits are tried against them is in
:mod:`srllm_cli.documents.apply`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from srllm_cli.debias.types import Block

#: Characters that mean something to Markdown, wherever they stand, and addresses that GitHub would turn into links.
_MARKDOWN_SIGNS = re.compile(r"[`*_<>\[\]|\\~#$&{}^@]|://|\bwww\.", re.IGNORECASE)
#: What a line may not begin to look like: a heading, quote, list, rule, fence, table, definition, HTML, a directive.
_MARKDOWN_START = re.compile(
    r"\s*(?:#{1,6}(?=\s|\Z)|>|[-+*](?=\s|\Z)|\d{1,9}[.)](?=\s|\Z)|`{3}|~{3}|[=\-]+\s*\Z|(?:[-*_]\s*){3,}\Z|[:|]|<|\$\$"
    r"|:{3}|!!!|\?\?\?|===|\+\+\+|\[[^\]]{0,300}(?:\Z|\]:)|\[[ xX]\]|%|@|(?:import|export)\s|\(\w+\)=)"
)
_RST_SIGNS = re.compile(r"[`*_<>\[\]|\\~#$&{}^@:]|\bwww\.", re.IGNORECASE)
#: An enumerator, or any sign that does not open a quotation or a bracket.
_RST_START = re.compile(r"\s*(?:\(?(?:\d{1,9}|[A-Za-z]|[ivxlcdm]{1,9}|#)[.)](?=\s|\Z)|[^\w\s\"'“‘«(]+)", re.IGNORECASE)
_ASCIIDOC_SIGNS = re.compile(r"[`*_<>\[\]|\\~#$&{}^@+:]|\(\(|\)\)|--|\bwww\.|\((?:C|R|TM)\)", re.IGNORECASE)
_ASCIIDOC_START = re.compile(
    r"\s*(?:(?:\d{1,9}|[A-Za-z]|[ivxlcdm]{1,9})[.)](?=\s|\Z)|[^\w\s\"'“‘«(]+|(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION):)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bearing:
    """What a kind of block can bear.

    ``signs``: what a replacement may not hold. ``start``: what no line may begin to look like. ``both_ways``: a line
    that did look so may not stop to either.
    """

    signs: re.Pattern[str] | None
    start: re.Pattern[str] | None
    both_ways: bool = False

    def start_holds(self, old: str, new: str) -> bool:
        """Whether a line that read ``old`` and reads ``new`` starts no other block than before."""
        if self.start is None:
            return True
        after, before = self.start.match(new), self.start.match(old)
        if after is None:
            return before is None or not self.both_ways
        return not (before is None or before[0] != after[0] or after[0].rstrip() == new.rstrip() != old.rstrip())


#: Both ways: a table whose first cell begins like a list is a paragraph's next line when it stops to.
_MARKDOWN = Bearing(_MARKDOWN_SIGNS, _MARKDOWN_START, both_ways=True)
_BEARINGS = {
    Block.PLAIN: Bearing(None, _MARKDOWN_START),
    Block.PARAGRAPH: _MARKDOWN,
    Block.HEADING: _MARKDOWN,
    Block.CELL: _MARKDOWN,
    Block.RST: Bearing(_RST_SIGNS, _RST_START, both_ways=True),
    Block.ASCIIDOC: Bearing(_ASCIIDOC_SIGNS, _ASCIIDOC_START, both_ways=True),
    Block.MARKUP: Bearing(None, None),
}


def bearing(block: Block) -> Bearing:
    """What a kind of block can bear."""
    return _BEARINGS[block]


def writable(replacement: str, block: Block) -> bool:
    """Whether the replacement is words only: no line breaks, no control characters, no signs of the mark-up."""
    if any(c != " " and (not c.isprintable() and c != "\u00a0") for c in replacement):
        return False
    signs = bearing(block).signs
    return signs is None or not signs.search(replacement)


def width(text: str) -> int:
    """How many columns a text takes: an ideograph takes two, a combining mark none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
