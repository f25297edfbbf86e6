"""Knowledge-retention guards: is one edit acceptable? Pure; each guard is a small function with a name.

A guard answers with a reason to refuse, or ``None``. Guards never mend an edit: what they refuse is left as it was, and
the second verdict decides what that means for the passage.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from srllm_cli.debias.diff import apply_all, word_edits
from srllm_cli.debias.types import Edit

#: A passage may shrink to a third and grow to double, as the guideline's records do.
SHORTEST, LONGEST = 0.3, 2.0
#: Words that an edit may add beyond twice what it takes away.
EXTRA_WORDS = 8

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SMALL_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "  # noqa: SIM905
        "seventeen eighteen nineteen twenty".split()
    )
}
_CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "  # noqa: SIM905
    "september october november december".split()
)
_NEGATION = re.compile(r"\b(?:not|no|never|nor|none|nobody|nothing|nowhere|without|cannot|neither)\b|n['’]t\b", re.I)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.\w+|`[^`]*`|<[^<>\s]+>")
_PLACEHOLDER = re.compile(r"\[[^\]]*\]|<[^>]*>|\{[^}]*\}|_{3,}|\bX{3,}\b")
_LECTURE = re.compile(
    r"\bas an ai\b|\bi (?:cannot|can['’]t|won['’]t|am unable)\b.{0,40}\b(?:help|assist|rewrite|comply)\b"
    r"|\b(?:is|are|this|such)\b.{0,20}\b(?:a |harmful |offensive |gender |racist )?stereotypes?\b"
    r"|\bit is important to (?:note|remember)\b|\bunbiased\b|\bhere is the\b",
    re.I,
)
_DOUBLED = re.compile(r"\b([^\W\d_]+)\s+\1\b", re.I)
_BAD_SPACING = re.compile(r" {2}|\s[,.;!?](?:\s|$)|\(\s|\s\)|^[,.;:!?)]")
_ARTICLE = re.compile(r"\b(an?)\s+([a-z])", re.I)
#: Words that may rightly stand twice in a row.
_MAY_DOUBLE = frozenset({"that", "had", "is", "so", "very", "really", "no", "ha", "bye", "blah"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An edit that was not accepted, and the guard's reason."""

    edit: Edit
    reason: str


Guard = Callable[[str, Edit], str | None]


def accept(
    text: str, rewrite: str, *, can_apply: Callable[[Edit], bool] = lambda _: True
) -> tuple[list[Edit], list[Refusal]]:
    """Split the edits from ``text`` to ``rewrite`` into those that pass every guard and those refused.

    ``can_apply`` says whether the document can carry out an edit (not where it touches code, a link's target or a
    quotation). If the accepted edits together leave the length bounds, all are refused.
    """
    accepted: list[Edit] = []
    refused: list[Refusal] = []
    for edit in word_edits(text, rewrite):
        reason = first_reason(text, edit) or (None if can_apply(edit) else "protected")
        if reason:
            refused.append(Refusal(edit, reason))
        else:
            accepted.append(edit)
    if reason := _length(text, apply_all(text, accepted)):
        return [], [*refused, *(Refusal(edit, reason) for edit in accepted)]
    return accepted, refused


def first_reason(text: str, edit: Edit) -> str | None:
    """Return the first guard's reason to refuse the edit, or ``None``."""
    for guard in GUARDS:
        if reason := guard(text, edit):
            return reason
    return None


def numbers_guard(text: str, edit: Edit) -> str | None:
    """Every number stays and none appears; spelled numbers up to twenty count as their figures."""
    old, new = _numbers(text[edit.start : edit.end]), _numbers(edit.replacement)
    lost = Counter(old.elements())
    lost.subtract(new)
    if any(count > 0 and number in _figures(text[edit.start : edit.end]) for number, count in lost.items()):
        return "number lost"
    if any(number not in old for number in _figures(edit.replacement)):
        return "number added"
    return None


def names_guard(text: str, edit: Edit) -> str | None:
    """Names and dates stay: capitalised words in a sentence that name no group and are no ordinary word."""
    kept = {word.lower() for word in _WORD.findall(edit.replacement)}
    for match in _WORD.finditer(text, edit.start, edit.end):
        word = match[0]
        stem = re.sub(r"['’]s?$", "", word.lower())
        if not word[0].isupper() or (word.isupper() and len(word) > 5):
            continue
        if stem in kept or word.lower() in kept:
            continue
        if stem in _CALENDAR:
            return "date lost"
        if is_group_term(stem) or is_common(stem):
            continue
        if _starts_sentence(text, match.start()) and not _followed_by_name(text, match.end()):
            continue
        return "name lost"
    for match in _WORD.finditer(edit.replacement):
        word = match[0]
        inside = match.start() > 0 and not re.search(r"[.!?]\s*$", edit.replacement[: match.start()])
        if inside and word[0].isupper() and word not in text and not is_common(word.lower()) and word != "I":
            return "name added"
    return None


def addresses_guard(text: str, edit: Edit) -> str | None:
    """Links, e-mail addresses and code stay as they are."""
    for match in _ADDRESS.finditer(text):
        if match.start() < edit.end and edit.start < match.end() and edit.start != edit.end:
            return "link or code"
    return "link or code added" if _ADDRESS.search(edit.replacement) else None


def negation_guard(text: str, edit: Edit) -> str | None:
    """A negation neither goes nor comes while what it negates stays."""
    old, new = text[edit.start : edit.end], edit.replacement
    before, after = len(_NEGATION.findall(old)), len(_NEGATION.findall(new))
    if before == after:
        return None
    if before and after:
        return None
    larger, smaller = (old, new) if before else (new, old)
    rest = {word.lower() for word in _WORD.findall(_NEGATION.sub(" ", larger)) if len(word) > 2}
    shared = rest & {word.lower() for word in _WORD.findall(smaller)}
    if not rest or 2 * len(shared) > len(rest):
        return "negation changed"
    return None


def length_guard(text: str, edit: Edit) -> str | None:
    """An edit adds few words: what it says more than its source would be invented."""
    old, new = len(_WORD.findall(text[edit.start : edit.end])), len(_WORD.findall(edit.replacement))
    return "too long" if new > 2 * old + EXTRA_WORDS else None


def form_guard(text: str, edit: Edit) -> str | None:
    """The sentence stays well formed around the edit: capital, spacing, article, no doubled word."""
    low, high = max(0, edit.start - 24), min(len(text), edit.end + 24)
    before, after = text[low : edit.start], text[edit.end : high]
    changed = before + edit.replacement + after
    source = text[low:high]
    if _BAD_SPACING.search(changed) and not _BAD_SPACING.search(source):
        return "spacing"
    if _doubled(changed) - _doubled(source):
        return "doubled word"
    if _bad_articles(changed) - _bad_articles(source):
        return "article"
    if edit.start == 0 and text[:1].isupper():
        first = (edit.replacement + text[edit.end :]).lstrip("\"'“‘(*_ ")[:1]
        if first.islower():
            return "capital lost"
    if re.search(r"[.!?]\s*$", text[: edit.start]) and edit.start > 0 and text[edit.start : edit.end][:1].isupper():
        first = (edit.replacement + text[edit.end :]).lstrip("\"'“‘( ")[:1]
        if first.islower():
            return "capital lost"
    return None


def voice_guard(text: str, edit: Edit) -> str | None:
    """The edit is a rewrite: no refusal, lecture or placeholder."""
    if _PLACEHOLDER.search(edit.replacement) and not _PLACEHOLDER.search(text[edit.start : edit.end]):
        return "placeholder"
    if _LECTURE.search(edit.replacement) and not _LECTURE.search(text[edit.start : edit.end]):
        return "lecture"
    return None


def script_guard(text: str, edit: Edit) -> str | None:
    """The edit writes in the text's own script, and no character that was lost in decoding."""
    if "\ufffd" in edit.replacement:
        return "broken character"
    latin = re.compile(r"[A-Za-zÀ-ɏ]")
    strange = [c for c in edit.replacement if c.isalpha() and not latin.match(c) and c not in text]
    return "another script" if strange else None


GUARDS: tuple[Guard, ...] = (
    addresses_guard,
    numbers_guard,
    names_guard,
    negation_guard,
    length_guard,
    voice_guard,
    script_guard,
    form_guard,
)


def is_group_term(word: str) -> bool:
    """Whether a lower-case word names a group of people."""
    terms = _word_list("group_terms.txt")
    return any(form in terms for form in (word, word.removesuffix("s"), word.removesuffix("es")))


def is_common(word: str) -> bool:
    """Whether a lower-case word is an ordinary one (it occurs in lower case in the training texts)."""
    words = _word_list("common_words.txt")
    return any(form in words for form in (word, word.removesuffix("s"), word.replace("man", "person")))


@lru_cache(maxsize=4)
def _word_list(name: str) -> frozenset[str]:
    text = resources.files("srllm_cli.debias").joinpath("data").joinpath(name).read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _figures(text: str) -> set[str]:
    return {_plain_number(number) for number in _NUMBER.findall(text)}


def _numbers(text: str) -> Counter[str]:
    found = Counter(_plain_number(number) for number in _NUMBER.findall(text))
    found.update(_SMALL_NUMBERS[word.lower()] for word in _WORD.findall(text) if word.lower() in _SMALL_NUMBERS)
    return found


def _plain_number(number: str) -> str:
    return number.replace(",", "").rstrip(".:")


def _starts_sentence(text: str, at: int) -> bool:
    head = text[:at].rstrip("\"'“‘([*_ \n\t")
    return not head or head[-1] in ".!?:•–—-"


def _followed_by_name(text: str, at: int) -> bool:
    match = re.match(r"\s+([A-Z][\w'’]+)", text[at:])
    return match is not None and not is_common(match[1].lower()) and not is_group_term(match[1].lower())


def _doubled(text: str) -> set[str]:
    return {m[1].lower() for m in _DOUBLED.finditer(text)} - _MAY_DOUBLE


def _bad_articles(text: str) -> Counter[str]:
    """Count "a" before a vowel letter and "an" before a consonant letter, leaving out letters that sound otherwise."""
    found: Counter[str] = Counter()
    for article, letter in _ARTICLE.findall(text):
        vowel = letter.lower() in "aeio"
        if (article.lower() == "a" and vowel) or (article.lower() == "an" and letter.lower() in "bcdfgjklmnpqrstvwxyz"):
            found[article.lower()] += 1
    return found


def _length(text: str, rewrite: str) -> str | None:
    words: Sequence[str] = _WORD.findall(text)
    after = len(_WORD.findall(rewrite))
    if not words or after > LONGEST * len(words) + EXTRA_WORDS:
        return "too long"
    return "too short" if after < SHORTEST * len(words) else None
