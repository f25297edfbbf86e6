"""The core loop: units scored in batches, biased ones rewritten, guarded, and judged again.

It knows passages and an engine's interface; it knows no file, no llama.cpp and no terminal. All passages of a run go
through each stage together, since an engine is fastest on many at once; a passage's result does not depend on the
others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from srllm_cli.debias.diff import apply_all, words
from srllm_cli.debias.engine import Decoded, DecodeRequest, Engine
from srllm_cli.debias.guards import accept
from srllm_cli.debias.protocol import parse_answer
from srllm_cli.debias.types import Edit, Passage, Status
from srllm_cli.debias.units import unit_spans

#: Reported for a biased unit whose answer names no dimension, and for protocol ``plain``, whose answers never do.
UNKNOWN_DIMENSION = "unspecified"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to decide. The defaults were chosen on the validation split (``docs/architecture.md``).

    ``threshold``: the score from which a unit is rewritten. ``settled``: the score below which a rewrite counts as
    unbiased; it lies above the threshold, since a unit once judged biased keeps a trace of it. ``candidates``: further
    answers tried when the greedy one fails. ``rounds``: how often a rewrite that is still biased is rewritten again.
    """

    threshold: float = 0.5
    settled: float = 0.5
    candidates: int = 4
    rounds: int = 3
    unit: str = "sentence"


@dataclass(frozen=True, slots=True)
class Task:
    """A passage, and what its document can bear.

    ``new_editor`` returns a fresh judge of edits (in offsets of the passage): asked about one candidate's edits in order,
    it says of each whether it can be made together with those before it.
    """

    passage: Passage
    new_editor: Callable[[], Callable[[Edit], bool]] = lambda: lambda _: True


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What became of one unit, in offsets of its passage. Without a finding, ``status`` is ``None``."""

    start: int
    end: int
    score: float | None
    dimension: str | None = None
    edits: tuple[Edit, ...] = ()
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A guarded rewrite of a unit: the edits accepted, the text they give, its second score."""

    edits: tuple[Edit, ...]
    text: str
    dimension: str
    refused: int
    score: float = 1.0


@dataclass(slots=True)
class _Case:
    """A unit in work (mutable)."""

    task: Task
    start: int
    end: int
    text: str
    score: float | None
    greedy: Decoded | None = None
    best: _Candidate | None = None
    dimension: str = UNKNOWN_DIMENSION
    seen: set[str] = field(default_factory=set)

    def new_editor(self) -> Callable[[Edit], bool]:
        """Return a fresh judge of edits in offsets of the unit."""
        judge = self.task.new_editor()
        return lambda edit: judge(Edit(edit.start + self.start, edit.end + self.start, edit.replacement))


class PassageDebiaser:
    """Debiases passages with one engine (it holds no state of its own beside it)."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings

    def debias(self, tasks: Sequence[Task]) -> list[list[UnitResult]]:
        """Return the results of each task's units, in order."""
        cases = [
            [
                _Case(task, start, end, task.passage.text[start:end], None)
                for start, end in unit_spans(task.passage.text, self.settings.unit)
            ]
            for task in tasks
        ]
        everyone = [case for group in cases for case in group]
        if self.engine.protocol.has_score:
            for case, score in zip(everyone, self.engine.score([case.text for case in everyone]), strict=True):
                case.score = score
            self._rewrite([case for case in everyone if (case.score or 0.0) >= self.settings.threshold])
        else:
            self._rewrite_plain(everyone)
        return [[self._result(case) for case in group] for group in cases]

    # Protocol "verdict" ----------------------------------------------------------------------------------------------

    def _rewrite(self, cases: Sequence[_Case]) -> None:
        """Greedy answers first; further candidates and rounds only for what is still biased."""
        open_cases = list(cases)
        for round_number in range(self.settings.rounds):
            if not open_cases:
                return
            self._greedy(open_cases, first=round_number == 0)
            open_cases = [case for case in open_cases if not self._settled(case)]
            if open_cases and round_number == 0:
                self._branches(open_cases)
                open_cases = [case for case in open_cases if not self._settled(case)]
            open_cases = [case for case in open_cases if case.best is not None]

    def _settled(self, case: _Case) -> bool:
        return case.best is not None and case.best.score < self.settings.settled

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
            scored = _Candidate(candidate.edits, candidate.text, candidate.dimension, candidate.refused, score)
            if case.best is None or self._rank(case, scored) < self._rank(case, case.best):
                case.best = scored

    def _candidate(self, case: _Case, answer: Decoded) -> _Candidate | None:
        """Return the guarded rewrite of an answer; ``None`` when it is malformed or nothing of it is acceptable."""
        parsed = parse_answer(answer.text) if answer.complete else None
        if not parsed or parsed.rewrite is None or parsed.dimension is None:
            return None
        edits, refused = accept(case.text, parsed.rewrite, can_apply=case.new_editor())
        if not edits:
            return None
        return _Candidate(tuple(edits), apply_all(case.text, edits), parsed.dimension, len(refused))

    def _rank(self, case: _Case, candidate: _Candidate) -> tuple[bool, int, float]:
        """Order candidates: unbiased first, then the fewest words changed, then the lower score."""
        biased = candidate.score >= self.settings.settled
        changed = sum(
            len([w for w in words(case.text[edit.start : edit.end]) if not w.isspace()])
            + len([w for w in words(edit.replacement) if not w.isspace()])
            for edit in candidate.edits
        )
        return (biased, 0 if biased else changed, candidate.score)

    # Protocol "plain" ------------------------------------------------------------------------------------------------

    def _rewrite_plain(self, cases: Sequence[_Case]) -> None:
        """One whole rewrite of every unit; there is no verdict, so what the guards accept is the result."""
        answers = self.engine.decode([DecodeRequest(case.text) for case in cases])
        for case, answer in zip(cases, answers, strict=True):
            if not answer.complete:
                continue
            edits, refused = accept(case.text, answer.text.strip(), can_apply=case.new_editor())
            if edits:
                text = apply_all(case.text, edits)
                case.best = _Candidate(tuple(edits), text, UNKNOWN_DIMENSION, len(refused), score=0.0)

    # Results ---------------------------------------------------------------------------------------------------------

    def _result(self, case: _Case) -> UnitResult:
        plain = not self.engine.protocol.has_score
        if plain and case.best is None:
            return UnitResult(case.start, case.end, None)
        if not plain and (case.score or 0.0) < self.settings.threshold:
            return UnitResult(case.start, case.end, case.score)
        if plain or self._settled(case):
            assert case.best is not None
            edits = tuple(Edit(e.start + case.start, e.end + case.start, e.replacement) for e in case.best.edits)
            dimension = case.best.dimension
            return UnitResult(case.start, case.end, case.score, dimension, edits, Status.REWRITTEN)
        return UnitResult(case.start, case.end, case.score, case.dimension, (), Status.NEEDS_REVIEW)


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
