"""Sentence boundaries in English prose, as character offsets. Pure; it knows no mark-up and no model.

A rule-based splitter: it must be fast, deterministic, add no dependency to the core, and err towards too few
boundaries, since a sentence cut in two loses its meaning while two sentences read as one do not.
"""

from __future__ import annotations

import re

#: Abbreviations that are followed by a capital letter within a sentence.
_TITLES = frozenset(
    """
    mr mrs ms mx dr prof rev hon sr jr st gen col capt lt sgt cmdr sen rep gov pres supt fr vs ed eds al dept est inc
    ltd co corp jan feb mar apr jun jul aug sep sept oct nov dec mt ave blvd rd messrs mme mlle
    """.split()  # noqa: SIM905 (a list of 60 literals reads worse)
)
#: Abbreviations that are followed by a number within a sentence; before a word they end it, or are words themselves.
_BEFORE_NUMBER = frozenset("no nos fig figs eq eqs sec secs ch vol pp art ca approx ft".split())  # noqa: SIM905
#: A run of stops is tried once, from its first character: from every one it would cost quadratic time.
_BOUNDARY = re.compile(
    r"""(?<![.!?…])(?P<stop>[.!?…]+["'”’»)\]]*)(?P<space>\s+)(?=["'“‘«(\[]?[^\W_])""",
)
_BLANK_LINE = re.compile(r"\n\s*\n\s*")
_DOTTED = re.compile(r"(?:[a-z]\.)+[a-z]")
#: What a word may not hold, when one looks back for the word before a stop.
_BEFORE_WORD = re.compile(r"[\s(\"'“‘\[]")
_OPENING = "\"'“‘«(["
#: Longer than any abbreviation.
_LONGEST_WORD = 24


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence; white space between sentences belongs to none.

    Line breaks that are doubled, or that follow a sentence's end, separate sentences too. ``text[s:e]`` has no white
    space at either end, and every other character of the text is in exactly one span.
    """
    blank_lines = [match.span() for match in _BLANK_LINE.finditer(text)]
    ends = [match.span("space") for match in _BOUNDARY.finditer(text) if _ends_sentence(text, match)]
    spans: list[tuple[int, int]] = []
    start = 0
    for cut_start, cut_end in [*sorted(blank_lines + ends), (len(text), len(text))]:
        if cut_start < start:
            continue
        sentence = text[start:cut_start]
        left = len(sentence) - len(sentence.lstrip())
        right = len(sentence.rstrip())
        if _is_enumerator(sentence[left:right]) and cut_end < len(text) and "\n" not in text[cut_start:cut_end]:
            continue  # "2. Apply": the number belongs to what it counts
        if right > left:
            spans.append((start + left, start + right))
        start = cut_end
    return spans


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    stop, following = match["stop"], _next_character(text, match.end())
    if not stop.startswith("."):
        # "Really?" she asked: a lower-case word goes on with the sentence.
        return not following.islower()
    if following.islower():
        return False
    if len(stop) > 1 and stop[1] == ".":
        return True
    word = _word_before(text, match.start())
    if word in _TITLES:
        return False
    if word in _BEFORE_NUMBER:
        return not following.isdigit()
    # Initials ("J. Smith") and dotted abbreviations ("e.g.", "U.S.") before a capital: not a boundary.
    if len(word) == 1 and word.isalpha() and word != "i":
        return False
    return not _DOTTED.fullmatch(word)


def _next_character(text: str, at: int) -> str:
    """The first character from ``at`` on that opens no quotation or bracket."""
    while text[at : at + 1] and text[at] in _OPENING:
        at += 1
    return text[at : at + 1]


def _word_before(text: str, end: int) -> str:
    """The lower-case word that ends at ``end``; a longer one than any abbreviation is cut at its front."""
    start = end
    while start > max(0, end - _LONGEST_WORD) and not _BEFORE_WORD.match(text, start - 1):
        start -= 1
    return text[start:end].rstrip(".").lower()


def _is_enumerator(sentence: str) -> bool:
    return len(sentence) <= 4 and sentence.endswith(".") and sentence[:-1].isdigit()
