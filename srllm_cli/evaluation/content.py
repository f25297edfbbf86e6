"""Whether a rewrite keeps what its source says: numbers, names, phrases, words, meaning; and how biased both read.

The local counterpart of the knowledge retention and bias that SR_LLM and MBIAS report from a judge (``judge``). What
can be counted is counted here; what needs a model is given by ``content_models`` as a function from texts to values.
Knows no file, no label and no average.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

#: Score of each text, in [0, 1]; higher means biased.
BiasScore = Callable[[Sequence[str]], Sequence[float]]
#: Similarity of each pair of texts, in [-1, 1].
Similarity = Callable[[Sequence[tuple[str, str]]], Sequence[float]]

Thing = TypeVar("Thing")

_NUMBER = re.compile(r"\d+(?:[.,:/\-]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_WORD_OR_SIGN = re.compile(rf"{_WORD.pattern}|[^\w\s]|\d+")
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n]\s*[\"'“”‘’(\[*#>\-]*\s*)$")
#: Words that carry grammar rather than knowledge; a rewrite may exchange them freely.
_GRAMMAR_WORDS = """
    a about above after again against all also although always am an and any are as at be because been before being
    below between both but by can cannot could did do does doing done down during each either else ever every few for
    from further get gets got had has have having he her here hers herself him himself his how however i if in into is
    it its itself just like many may me might mine more most much must my myself neither never no nor not now of off
    often on once one only or other others ought our ours ourselves out over own per quite rather really s same shall
    she should since so some still such t than that the their theirs them themselves then there these they this those
    though through thus to together too under until up upon us very was we were what when where whether which while who
    whom whose why will with within without would yet you your yours yourself yourselves
"""
_GRAMMAR = frozenset(_GRAMMAR_WORDS.split())


@dataclass(frozen=True, slots=True)
class Kept:
    """How many of a source's things are in its rewrite, counted with repetition."""

    kept: int
    total: int


@dataclass(frozen=True, slots=True)
class ContentScores:
    """What one rewrite keeps. Model-based values are ``None`` when the model was not asked."""

    numbers: Kept
    names: Kept
    words: Kept
    phrases: Kept
    similarity: float | None = None
    bias_before: float | None = None
    bias_after: float | None = None


def score_contents(
    pairs: Sequence[tuple[str, str]], bias: BiasScore | None = None, similarity: Similarity | None = None
) -> list[ContentScores]:
    """Score (source, rewrite) pairs; models see each distinct text once.

    Args:
        pairs: source and rewrite of each text.
        bias: what scores a text, if it is wanted.
        similarity: a sentence-embedding model, if one is wanted.
    """
    biased: dict[str, float] = {}
    if bias is not None:
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        biased = dict(zip(texts, bias(texts), strict=True))
    alike: dict[tuple[str, str], float] = {}
    if similarity is not None:
        distinct = list(dict.fromkeys(pairs))
        alike = dict(zip(distinct, similarity(distinct), strict=True))
    return [
        ContentScores(
            numbers=kept(numbers(source), numbers(rewrite)),
            names=kept(names(source), _words(rewrite)),
            words=kept(content_words(source), content_words(rewrite)),
            phrases=_phrases_kept(source, rewrite),
            similarity=alike.get((source, rewrite)),
            bias_before=biased.get(source),
            bias_after=biased.get(rewrite),
        )
        for source, rewrite in pairs
    ]


def kept(before: Counter[Thing], after: Counter[Thing]) -> Kept:
    """Count what of ``before`` is in ``after``, each as often as it occurs."""
    return Kept((before & after).total(), before.total())


def numbers(text: str) -> Counter[str]:
    """Count the numbers, with their inner points, commas, colons and dashes (``1,200``, ``14:30``, ``2024-05-01``)."""
    return Counter(_NUMBER.findall(text))


def names(text: str) -> Counter[str]:
    """Count capitalised words that do not begin a sentence: an approximation of names that needs no tagger.

    The word *I* is none; a name at the beginning of a sentence is missed, a noun of a headline in capitals is taken.
    """
    found = (match for match in _WORD.finditer(text) if match[0][0].isupper() and match[0] != "I")
    return Counter(match[0] for match in found if not _SENTENCE_START.search(text[: match.start()][-8:]))


def content_words(text: str) -> Counter[str]:
    """Count the words that are not grammar, lower case and without a plural or possessive *s*."""
    words = (_bare(match[0]) for match in _WORD.finditer(text))
    return Counter(_stem(word) for word in words if word not in _GRAMMAR)


def phrases(text: str) -> list[tuple[str, ...]]:
    """Return the runs of two and more content words, in order: an approximation of noun phrases without a tagger.

    The candidate phrases of RAKE (Rose et al., 2010, section 1.3): grammar words, numbers and signs end a run.
    """
    return [run for run in _runs(text) if len(run) > 1]


def _phrases_kept(source: str, rewrite: str) -> Kept:
    """Count the source's phrases that stand in one run of the rewrite, each as often as it occurs."""
    wanted = phrases(source)
    made = Counter(
        run[start:end] for run in _runs(rewrite) for start in range(len(run)) for end in range(start + 2, len(run) + 1)
    )
    return kept(Counter(wanted), made)


def _runs(text: str) -> list[tuple[str, ...]]:
    """Cut a text into runs of content words."""
    runs: list[list[str]] = [[]]
    for match in _WORD_OR_SIGN.finditer(text):
        word = _bare(match[0])
        if match[0][0].isalpha() and word not in _GRAMMAR:
            runs[-1].append(_stem(word))
        else:
            runs.append([])
    return [tuple(run) for run in runs if run]


def _bare(word: str) -> str:
    return word.lower().replace("’", "'").removesuffix("'s")


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text))
