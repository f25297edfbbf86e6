"""The core loop: paragraphs scored in batches, the biased ones' sentences rewritten, guarded, and judged again.

It knows passages and an engine's interface; it knows no file, no llama.cpp and no terminal. Passages go through each
stage many together, since an engine is fastest on many at once; a passage's result does not depend on the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from srllm_cli.debias.diff import apply_all, words
from srllm_cli.debias.engine import Decoded, DecodeRequest, Engine, Scorer
from srllm_cli.debias.groups import groups
from srllm_cli.debias.guards import accept
from srllm_cli.debias.protocol import parse_answer
from srllm_cli.debias.types import Edit, Passage, ScoredPassage, Status
from srllm_cli.debias.units import unit_spans

#: Reported for a biased unit whose answer names no dimension, and for protocol ``plain``, whose answers never do.
UNKNOWN_DIMENSION = "unspecified"


#: Characters of biased paragraphs that are taken through verdicts, answers and repair together: enough to decode side
#: by side, few enough that an engine still holds a sentence's verdict when its rewrite is asked for.
TOGETHER_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How to decide. The defaults were chosen on the validation split (``docs/architecture.md``).

    ``threshold``: the score from which a paragraph counts as biased. ``sentence_threshold``: the score from which a
    sentence of such a paragraph is rewritten. ``settled``: the score below which a rewrite counts as unbiased; it lies
    above the threshold, since a sentence that is about its subject keeps a trace of what was said of it.
    ``candidates``: further answers tried when the greedy one fails, or changes more than the share ``bold`` of the
    words. ``rounds``: how often a rewrite that is still biased is rewritten again.
    """

    threshold: float = 0.5
    sentence_threshold: float = 0.3
    settled: float = 0.8
    candidates: int = 4
    bold: float = 0.4
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Screen:
    """A small model that looks first: a paragraph that it scores below ``threshold`` is not shown to the engine."""

    scorer: Scorer
    threshold: float


@dataclass(frozen=True, slots=True)
class Task:
    """A passage, and what its document can bear.

    ``new_editor`` returns a fresh judge of edits (in offsets of the passage): asked about one candidate's edits in
    order, it says of each whether it can be made together with those before it. ``context`` is all that its answers
    depend on beside the passage; the core does not read it, a store of results does.
    """

    passage: Passage
    new_editor: Callable[[], Callable[[Edit], bool]] = lambda: lambda _: True
    context: str = ""


@dataclass(frozen=True, slots=True)
class UnitResult:
    """A unit that was judged biased and what became of it, in offsets of its passage."""

    start: int
    end: int
    score: float | None
    dimension: str
    edits: tuple[Edit, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class PassageResult:
    """The paragraphs of a passage (most have one) in its offsets, and the findings among their sentences."""

    scored: tuple[ScoredPassage, ...]
    found: tuple[UnitResult, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A guarded rewrite of a unit: the edits accepted, the text they give, its second score."""

    edits: tuple[Edit, ...]
    text: str
    dimension: str
    score: float = 1.0


@dataclass(slots=True)
class _Case:
    """A unit in work (mutable)."""

    task: Task
    start: int
    end: int
    text: str
    score: float | None
    screened: bool = False
    greedy: Decoded | None = None
    best: _Candidate | None = None
    dimension: str = UNKNOWN_DIMENSION
    seen: set[str] = field(default_factory=set)

    def new_editor(self) -> Callable[[Edit], bool]:
        """Return a fresh judge of edits in offsets of the unit."""
        judge = self.task.new_editor()
        return lambda edit: judge(Edit(edit.start + self.start, edit.end + self.start, edit.replacement))


class PassageDebiaser:
    """Debiases passages with one engine, and perhaps a screen before it (it holds no state of its own beside them)."""

    def __init__(self, engine: Engine, settings: Settings, screen: Screen | None = None) -> None:
        self.engine = engine
        self.settings = settings
        self.screen = screen

    def debias(self, tasks: Sequence[Task]) -> list[PassageResult]:
        """Return each task's result, in order."""
        paragraphs = [self._cases(task, 0, len(task.passage.text), "paragraph") for task in tasks]
        everyone = self._pass_screen([case for cases in paragraphs for case in cases])
        if self.engine.protocol.has_score:
            self._score(everyone)
            work: dict[int, list[_Case]] = {}
            biased = [c for c in everyone if c.score is not None and c.score >= self.settings.threshold]
            for group in groups(biased, lambda case: len(case.text), TOGETHER_CHARACTERS):
                parts = self._biased_parts(group)
                self._rewrite([case for cases in parts.values() for case in cases])
                work |= parts
        else:
            work = {id(case): self._cases(case.task, case.start, case.end, "sentence") for case in everyone}
            self._rewrite_plain([case for cases in work.values() for case in cases])
        return [
            PassageResult(
                tuple(ScoredPassage(case.start, case.end, case.score, case.screened) for case in cases),
                tuple(result for case in cases for part in work.get(id(case), []) for result in self._results(part)),
            )
            for cases in paragraphs
        ]

    @staticmethod
    def _cases(task: Task, start: int, end: int, unit: str) -> list[_Case]:
        text = task.passage.text[start:end]
        return [_Case(task, start + a, start + b, text[a:b], None) for a, b in unit_spans(text, unit)]

    def _pass_screen(self, cases: Sequence[_Case]) -> list[_Case]:
        """Return the paragraphs that the engine is shown; the others keep the screen's score and are neutral."""
        if self.screen is None:
            return list(cases)
        for case, score in zip(cases, self.screen.scorer.score([case.text for case in cases]), strict=True):
            if score < self.screen.threshold:
                case.score, case.screened = score, True
        return [case for case in cases if not case.screened]

    def _score(self, cases: Sequence[_Case]) -> None:
        for case, score in zip(cases, self.engine.score([case.text for case in cases]), strict=True):
            case.score = score

    def _biased_parts(self, paragraphs: Sequence[_Case]) -> dict[int, list[_Case]]:
        """Return the sentences to rewrite of each biased paragraph; the whole paragraph where no sentence stands out.

        The verdict of a paragraph is the better one, since it has the context; the rewrite of a sentence is, since it
        has less to lose.
        """
        parts = {id(case): self._cases(case.task, case.start, case.end, "sentence") for case in paragraphs}
        self._score([part for sentences in parts.values() if len(sentences) > 1 for part in sentences])
        for case in paragraphs:
            biased = [part for part in parts[id(case)] if (part.score or 0.0) >= self.settings.sentence_threshold]
            parts[id(case)] = biased or [case]
        return parts

    # Protocol "verdict" ----------------------------------------------------------------------------------------------

    def _rewrite(self, cases: Sequence[_Case]) -> None:
        """Greedy answers first; further candidates and rounds only for what is still biased."""
        open_cases = list(cases)
        for round_number in range(self.settings.rounds):
            if not open_cases:
                return
            self._greedy(open_cases, first=round_number == 0)
            if round_number == 0:
                self._branches([case for case in open_cases if not self._settled(case) or self._is_bold(case)])
            open_cases = [case for case in open_cases if case.best is not None and not self._settled(case)]

    def _settled(self, case: _Case) -> bool:
        return case.best is not None and case.best.score < self.settings.settled

    def _is_bold(self, case: _Case) -> bool:
        """Whether the best rewrite changes so much that a smaller edit is worth looking for."""
        return case.best is not None and changed_words(case.text, case.best.edits) > self.settings.bold * len(
            spelled(case.text)
        )

    def _greedy(self, cases: Sequence[_Case], *, first: bool) -> None:
        """Decode one answer for each case: to its text in the first round, to its best rewrite so far afterwards."""
        prefix = self.engine.biased_prefix()
        sources = [case.text if first or case.best is None else case.best.text for case in cases]
        answers = self.engine.decode([DecodeRequest(source, prefix) for source in sources])
        if first:
            for case, answer in zip(cases, answers, strict=True):
                case.greedy = answer
                parsed = parse_answer(answer.text)
                if parsed and parsed.dimension:
                    case.dimension = parsed.dimension
        self._judge([(case, [answer]) for case, answer in zip(cases, answers, strict=True)])

    def _branches(self, cases: Sequence[_Case]) -> None:
        """Decode the next-best answers: each leaves the greedy one where the model was least sure of its choice."""
        requests: list[DecodeRequest] = []
        owners: list[_Case] = []
        for case in cases:
            for forced in branch_points(case.greedy, len(self.engine.biased_prefix()), self.settings.candidates):
                requests.append(DecodeRequest(case.text, forced))
                owners.append(case)
        answers: dict[int, list[Decoded]] = {id(case): [] for case in cases}
        for case, answer in zip(owners, self.engine.decode(requests), strict=True):
            answers[id(case)].append(answer)
        self._judge([(case, answers[id(case)]) for case in cases])

    def _judge(self, answered: Iterable[tuple[_Case, Sequence[Decoded]]]) -> None:
        """Guard every answer, score what is left of it, and keep each case's best candidate."""
        found: list[tuple[_Case, _Candidate]] = []
        for case, answers in answered:
            for answer in answers:
                candidate = self._candidate(case, answer)
                if candidate and candidate.text not in case.seen:
                    case.seen.add(candidate.text)
                    found.append((case, candidate))
        scores = self.engine.score([candidate.text for _, candidate in found])
        for (case, candidate), score in zip(found, scores, strict=True):
            scored = replace(candidate, score=score)
            if case.best is None or self._rank(case, scored) < self._rank(case, case.best):
                case.best = scored

    def _candidate(self, case: _Case, answer: Decoded) -> _Candidate | None:
        """Return the guarded rewrite of an answer; ``None`` when it is malformed or nothing of it is acceptable."""
        parsed = parse_answer(answer.text) if answer.complete else None
        if not parsed or parsed.rewrite is None or parsed.dimension is None:
            return None
        edits, _ = accept(case.text, parsed.rewrite, can_apply=case.new_editor())
        if not edits:
            return None
        return _Candidate(tuple(edits), apply_all(case.text, edits), parsed.dimension)

    def _rank(self, case: _Case, candidate: _Candidate) -> tuple[bool, int, float]:
        """Order candidates: unbiased first, then the fewest words changed, then the lower score."""
        biased = candidate.score >= self.settings.settled
        return (biased, 0 if biased else changed_words(case.text, candidate.edits), candidate.score)

    # Protocol "plain" ------------------------------------------------------------------------------------------------

    def _rewrite_plain(self, cases: Sequence[_Case]) -> None:
        """One whole rewrite of every unit; there is no verdict, so what the guards accept is the result."""
        answers = self.engine.decode([DecodeRequest(case.text) for case in cases])
        for case, answer in zip(cases, answers, strict=True):
            if not answer.complete:
                continue
            edits, _ = accept(case.text, answer.text.strip(), can_apply=case.new_editor())
            if edits:
                text = apply_all(case.text, edits)
                case.best = _Candidate(tuple(edits), text, UNKNOWN_DIMENSION, score=0.0)

    # Results ---------------------------------------------------------------------------------------------------------

    def _results(self, case: _Case) -> list[UnitResult]:
        """Return the case's finding; none where protocol ``plain`` found nothing to change."""
        if not self.engine.protocol.has_score and case.best is None:
            return []
        if case.best is not None and self._settled(case):
            edits = tuple(Edit(e.start + case.start, e.end + case.start, e.replacement) for e in case.best.edits)
            return [UnitResult(case.start, case.end, case.score, case.best.dimension, edits, Status.REWRITTEN)]
        return [UnitResult(case.start, case.end, case.score, case.dimension, (), Status.NEEDS_REVIEW)]


def spelled(text: str) -> list[str]:
    """Return the words and signs of a text, without white space."""
    return [word for word in words(text) if not word.isspace()]


def changed_words(text: str, edits: Sequence[Edit]) -> int:
    """Count the words that edits take away and those that they add (twice: what is added may be invented)."""
    return sum(len(spelled(text[e.start : e.end])) + 2 * len(spelled(e.replacement)) for e in edits)


def branch_points(answer: Decoded | None, fixed: int, count: int) -> list[tuple[int, ...]]:
    """Return the beginnings of up to ``count`` other answers.

    Each is the greedy answer up to one of its least certain steps, and there the runner-up. The first ``fixed`` tokens
    (the verdict) stay. Steps are taken by their gap, the smallest first.
    """
    if answer is None:
        return []
    steps = [step for step in range(fixed, len(answer.tokens)) if answer.runners_up[step] >= 0]
    steps.sort(key=lambda step: answer.gaps[step])
    return [(*answer.tokens[:step], answer.runners_up[step]) for step in steps[:count]]
