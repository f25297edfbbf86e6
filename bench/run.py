"""The run: which system gets which passages when. Returns what each took; makes no figure of it and writes nothing.

Systems are asked in turn, chunk by chunk, and each chunk begins with another one, so that whatever else the machine
does hits all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.passages import PassagePool, words_in
from bench.start import Start, measure_starts
from bench.systems import SYSTEMS, MissingSystemError, Settings
from bench.worker import Taken, Worker, WorkerFailedError

#: Shares of biased passages that are measured, and the one at which growth is.
SHARES = (0.0, 0.1, 1.0)
GROWTH_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    ``chunks`` of ``chunk`` passages at each share; growth at each of ``sizes``, by each system that needs less than
    ``longest`` seconds by its pace so far; ``peaks`` times the share of the machine's arithmetic, ``starts`` times the
    start.
    """

    chunk: int
    chunks: int
    sizes: tuple[int, ...]
    longest: float
    peaks: int
    starts: int


FULL = Plan(chunk=40, chunks=5, sizes=(10, 100, 1_000, 10_000), longest=900.0, peaks=7, starts=5)
QUICK = Plan(chunk=10, chunks=1, sizes=(10,), longest=60.0, peaks=1, starts=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """One chunk by one system. ``growth``: measured for the growth, where chunks differ in size.

    ``tokens`` are those of the passages alone, without prompt and answer.
    """

    system: str
    biased_share: float
    passages: int
    words: int
    tokens: int
    growth: bool
    taken: Taken


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Passages, and how much text they are."""

    passages: list[str]
    biased_share: float
    tokens: int
    growth: bool = False


@dataclass(frozen=True, slots=True)
class PeakSample:
    """The scoring pass and a matrix multiplication, one right after the other."""

    scored_tokens: int
    seconds: float
    matmul_rate: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that a run measured. ``missing`` says why a system took no part."""

    samples: tuple[Sample, ...]
    peaks: tuple[PeakSample, ...]
    starts: tuple[Start, ...]
    load_seconds: dict[str, float]
    missing: dict[str, str]


def run(
    plan: Plan,
    names: Sequence[str],
    settings: Settings,
    pool: PassagePool,
    count_tokens: Callable[[str], int],
    folder: Path,
    say: Callable[[str], None],
) -> Measured:
    """Run the plan with the systems named. ``folder`` takes the document that starts are measured with."""
    workers, missing = _start_all(names, settings, say)

    def deal(size: int, share: float, *, growth: bool = False) -> _Chunk:
        passages = pool.deal(size, share)
        return _Chunk(passages, share, sum(map(count_tokens, passages)), growth)

    samples: list[Sample] = []
    try:
        for share in SHARES:
            for number in range(plan.chunks):
                say(f"{share:.0%} biased, {number + 1} of {plan.chunks}")
                chunk = deal(plan.chunk, share)
                samples += _ask_all(_turned(workers, number), workers, chunk, missing, say)
        for number, size in enumerate(plan.sizes):
            able = [
                worker for worker in _turned(workers, number) if _expected(samples, worker.name, size) < plan.longest
            ]
            say(f"{size} passages: {', '.join(worker.name for worker in able)}")
            chunk = deal(size, GROWTH_SHARE, growth=True)
            samples += _ask_all(able, workers, chunk, missing, say)
        load_seconds = {worker.name: worker.load_seconds for worker in workers}
    finally:
        for worker in workers:
            worker.close()
    peaks = _peaks(plan, settings, pool, missing, say)
    say("start")
    starts = measure_starts(settings, folder, plan.starts)
    samples = [sample for sample in samples if sample.system not in missing]
    return Measured(tuple(samples), tuple(peaks), tuple(starts), load_seconds, missing)


def _start_all(
    names: Sequence[str], settings: Settings, say: Callable[[str], None]
) -> tuple[list[Worker], dict[str, str]]:
    workers: list[Worker] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            workers.append(Worker(name, settings))
        except MissingSystemError as error:
            missing[name] = str(error)
            say(f"{name} is left out: {error}")
    return workers, missing


def _turned(workers: Sequence[Worker], number: int) -> list[Worker]:
    """Return the workers in their order, beginning with another one each time."""
    first = number % max(1, len(workers))
    return [*workers[first:], *workers[:first]]


def _ask_all(
    asked: Sequence[Worker], workers: list[Worker], chunk: _Chunk, missing: dict[str, str], say: Callable[[str], None]
) -> list[Sample]:
    """Give the chunk to each; one that fails is left out from then on, and told, so that an hour's run is not lost."""
    samples = []
    for worker in asked:
        try:
            samples.append(_sample(worker, chunk))
        except WorkerFailedError as error:
            workers.remove(worker)
            missing[worker.name] = str(error)
            say(f"{worker.name} is left out: {error}")
    return samples


def _sample(worker: Worker, chunk: _Chunk) -> Sample:
    return Sample(
        system=worker.name,
        biased_share=chunk.biased_share,
        passages=len(chunk.passages),
        words=words_in(chunk.passages),
        tokens=chunk.tokens,
        growth=chunk.growth,
        taken=worker.run(chunk.passages),
    )


def _expected(samples: Sequence[Sample], system: str, size: int) -> float:
    """Return the seconds that a system will need for ``size`` passages at the pace of its last chunk of the kind."""
    paces = [s.taken.seconds / s.passages for s in samples if s.system == system and s.biased_share == GROWTH_SHARE]
    return paces[-1] * size if paces else 0.0


def _peaks(
    plan: Plan, settings: Settings, pool: PassagePool, missing: dict[str, str], say: Callable[[str], None]
) -> list[PeakSample]:
    """Measure the scoring pass and the machine's peak in turn, in two processes."""
    workers, absent = _start_all(("scoring", "matmul"), settings, say)
    missing |= absent
    found = []
    try:
        if not absent:
            scoring, matmul = workers
            for number in range(plan.peaks):
                say(f"arithmetic, {number + 1} of {plan.peaks}")
                scored = scoring.run(pool.deal(2 * plan.chunk, 0.0))
                found.append(PeakSample(scored.written or 0, scored.seconds, float(matmul.run([]).written or 0)))
    finally:
        for worker in workers:
            worker.close()
    return found


def known(names: Sequence[str]) -> list[str]:
    """Return the names in the order of the tables.

    Raises:
        ValueError: naming those that there are, when one is unknown.
    """
    unknown = sorted(set(names) - set(SYSTEMS))
    if unknown:
        raise ValueError(f"unknown system {unknown[0]!r}: it must be one of {', '.join(SYSTEMS)}")
    return [name for name in SYSTEMS if name in names]
