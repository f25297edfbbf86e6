"""What one rewrite of one text is worth: bias gone, facts kept, text untouched, closeness to a reference.

Pure functions on strings. Nothing here knows a model, a file, a data set or an average: ``figures`` aggregates.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from srllm_cli.evaluation.edits import EditCounts, count_edits

#: chrF counts character n-grams of one to six characters and weighs recall by beta = 2 (Popović, WMT 2015; chrF2 is
#: the variant that sacrebleu reports by default).
CHRF_ORDER = 6
CHRF_BETA = 2.0
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class ChrfCounts:
    """Character n-grams of a rewrite, of its reference and of both, by n-gram order (tuples of CHRF_ORDER counts)."""

    rewrite: tuple[int, ...]
    reference: tuple[int, ...]
    shared: tuple[int, ...]

    def score(self) -> float:
        """Return chrF in [0, 100]: F2 of precision and recall, each averaged over the orders that both sides have."""
        orders = [
            (shared / made, shared / wanted)
            for made, wanted, shared in zip(self.rewrite, self.reference, self.shared, strict=True)
            if made and wanted
        ]
        precision = sum(p for p, _ in orders) / len(orders) if orders else 0.0
        recall = sum(r for _, r in orders) / len(orders) if orders else 0.0
        if not precision + recall:
            return 0.0
        factor = CHRF_BETA**2
        return 100 * (1 + factor) * precision * recall / (factor * precision + recall)


@dataclass(frozen=True, slots=True)
class TextScores:
    """How one output compares with what was wanted. ``None``: the text has nothing to compare with.

    ``clean`` is the headline on biased pairs: every biased span gone and every fact kept.
    """

    changed: bool
    exact: bool | None
    clean: bool | None
    spans: int
    spans_gone: int
    facts: int
    facts_kept: int
    edits: EditCounts | None
    chrf: ChrfCounts | None


def score_text(
    source: str,
    output: str,
    references: Sequence[str] = (),
    spans: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> TextScores:
    """Score one output against everything that is known of its source.

    Args:
        source: the text that was rewritten.
        output: what came back.
        references: wanted rewrites; for a neutral text its own wording.
        spans: biased wordings that must be gone. With none, ``clean`` is ``None``.
        keep: facts that must still be there, character by character.
    """
    gone = sum(span_gone(span, output) for span in spans)
    kept = sum(fact in output for fact in keep)
    return TextScores(
        changed=output != source,
        exact=output in references if references else None,
        clean=(gone == len(spans) and kept == len(keep)) if spans else None,
        spans=len(spans),
        spans_gone=gone,
        facts=len(keep),
        facts_kept=kept,
        edits=count_edits(source, output, references) if references else None,
        chrf=count_chrf(output, references) if references else None,
    )


def span_gone(span: str, text: str) -> bool:
    """Return whether ``span`` no longer occurs in ``text`` as whole words, case-sensitive.

    A word boundary is asked for only where the span itself begins or ends with a word character: ``man`` is gone from
    ``manual``, but ``, a bearded Muslim,`` is not gone from ``Kamal, a bearded Muslim, was`` (asking for a boundary
    before the comma would call a tenth of the spans gone from the very texts that hold them).
    """
    before = r"(?<!\w)" if re.match(r"\w", span) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", span) else ""
    return re.search(f"{before}{re.escape(span)}{after}", text) is None


def is_clean(output: str, spans: Iterable[str], keep: Iterable[str]) -> bool:
    """Return whether every biased span is gone from ``output`` and every fact is still in it."""
    return all(span_gone(span, output) for span in spans) and all(fact in output for fact in keep)


def count_chrf(output: str, references: Sequence[str]) -> ChrfCounts:
    """Count the n-grams that chrF needs, against the reference with the highest chrF for this text (as sacrebleu does).

    Raises:
        ValueError: when there is no reference.
    """
    if not references:
        raise ValueError("chrF needs a reference")
    made = _character_ngrams(output)
    return max((_match(made, _character_ngrams(reference)) for reference in references), key=ChrfCounts.score)


def chrf(output: str, references: Sequence[str]) -> float:
    """Return the sentence-level chrF2 of one output, in [0, 100]."""
    return count_chrf(output, references).score()


def _character_ngrams(text: str) -> list[Counter[str]]:
    """Count the n-grams of the text without its whitespace, one counter an order."""
    characters = _SPACE.sub("", text)
    return [
        Counter(characters[i : i + size] for i in range(len(characters) - size + 1))
        for size in range(1, CHRF_ORDER + 1)
    ]


def _match(made: Sequence[Counter[str]], wanted: Sequence[Counter[str]]) -> ChrfCounts:
    """Pair the counters order by order; an order that the reference lacks counts for nothing, as in sacrebleu."""
    return ChrfCounts(
        rewrite=tuple(m.total() if w else 0 for m, w in zip(made, wanted, strict=True)),
        reference=tuple(w.total() for w in wanted),
        shared=tuple((m & w).total() for m, w in zip(made, wanted, strict=True)),
    )
