"""Sentence boundaries in English prose, as character offsets. Pure; it knows no mark-up and no model.

A rule-based splitter: it must be fast, deterministic, add no dependency to the core, and err towards too few
boundaries, since a sentence cut in two loses its meaning while two sentences read as one do not.
"""

from __future__ import annotations

import re

#: Abbreviations that are followed by a capital letter within a sentence.
_TITLES = frozenset(
    "mr mrs ms mx dr prof rev hon sr jr st gen col capt lt sgt cmdr sen rep gov pres supt fr vs no nos fig figs eq eqs "
    "sec secs ch vol pp ed eds art al ca approx dept est inc ltd co corp jan feb mar apr jun jul aug sep sept oct nov "
    "dec mt ft ave blvd rd messrs mme mlle".split()
)
_BOUNDARY = re.compile(
    r"""(?P<stop>[.!?…]+["'”’»)\]]*)(?P<space>\s+)(?=["'“‘«(\[]?[^\W_])""",
)
_LAST_WORD = re.compile(r"(?:^|[\s(\"'“‘\[])([^\s(\"'“‘\[]+)$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence; white space between sentences belongs to none.

    Line breaks that are doubled, or that follow a sentence's end, separate sentences too. ``text[s:e]`` has no white
    space at either end, and every other character of the text is in exactly one span.
    """
    cuts: list[tuple[int, int]] = []
    for match in re.finditer(r"\n\s*\n\s*", text):
        cuts.append(match.span())
    for match in _BOUNDARY.finditer(text):
        if _ends_sentence(text, match):
            cuts.append(match.span("space"))
    spans: list[tuple[int, int]] = []
    start = 0
    for cut_start, cut_end in [*sorted(cuts), (len(text), len(text))]:
        if cut_start < start:
            continue
        trimmed = text[start:cut_start]
        left = len(trimmed) - len(trimmed.lstrip())
        right = len(trimmed.rstrip())
        if right > left:
            spans.append((start + left, start + right))
        start = cut_end
    return spans


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    stop, following = match["stop"], text[match.end() :].lstrip("\"'“‘«([")
    if not stop.startswith("."):
        # "Really?" she asked: a lower-case word goes on with the sentence.
        return not following[:1].islower()
    if following[:1].islower():
        return False
    if len(stop) > 1 and stop[1] == ".":
        return True
    word_match = _LAST_WORD.search(text, 0, match.start())
    word = word_match[1].rstrip(".").lower() if word_match else ""
    if word in _TITLES:
        return word == "no" and not following[:1].isdigit()
    # Initials ("J. Smith") and dotted abbreviations ("e.g.", "U.S.") before a capital: not a boundary.
    if len(word) == 1 and word.isalpha() and word != "i":
        return False
    return not re.fullmatch(r"(?:[a-z]\.)+[a-z]", word)
