"""Runs a system over texts so that a killed run goes on: every output is on disk before the next is asked for.

The records of one system with one fingerprint are a JSON Lines file, one output a line, keyed by the text. Figures are
made afterwards from outputs alone, in the order of the texts; so they do not depend on batches or interruptions.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from srllm_cli.errors import DataError
from srllm_cli.evaluation.figures import ScoredText, score_output
from srllm_cli.evaluation.systems import System, SystemOutput
from srllm_cli.evaluation.texts import EvalText

#: Called after each text: system, texts done, texts in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An output and the seconds since the one before it: sums mean something, single values depend on the batches."""

    output: SystemOutput
    seconds: float


def run_system(
    system: System, texts: Sequence[EvalText], folder: Path, *, fresh: bool = False, progress: Progress | None = None
) -> list[ScoredText]:
    """Run a system over the texts that it covers, taking what earlier runs recorded, and score every output.

    Args:
        system: what is evaluated.
        texts: the texts, in the order of the result.
        folder: where records are kept.
        fresh: forget what was recorded for this system before.
        progress: called after each text that was run.

    Raises:
        DataError: when another run is writing the same records, or the folder cannot be written.
    """
    covered = [text for text in texts if system.covers(text)]
    if not covered:
        return []
    with _records_file(folder, system) as path:
        if fresh:
            path.unlink(missing_ok=True)
        done = _load(path)
        missing = list({text_key(text): text for text in covered if text_key(text) not in done}.values())
        for text, recorded in _run(system, missing, path):
            done[text_key(text)] = recorded
            if progress is not None:
                progress(system.name, len(done), len(covered))
    recorded_texts = ((text, done[text_key(text)]) for text in covered)
    return [score_output(text, found.output, found.seconds) for text, found in recorded_texts]


def text_key(text: EvalText) -> str:
    """Return the key of a text in the records: its id and its content, so that an edited text is run again."""
    return hashlib.sha256(f"{text.set}\0{text.id}\0{text.text}".encode()).hexdigest()[:24]


def _run(system: System, texts: Sequence[EvalText], path: Path) -> Iterator[tuple[EvalText, Recorded]]:
    """Yield each output once it is written."""
    if not texts:
        return
    with path.open("a", encoding="utf-8") as stream:
        before = time.perf_counter()
        for text, output in zip(texts, system.rewrite_all(texts), strict=True):
            now = time.perf_counter()
            recorded = Recorded(output, now - before)
            row = {"key": text_key(text), "id": text.id, "output": output.text, "score": output.score}
            stream.write(json.dumps(row | {"flagged": output.flagged, "seconds": round(recorded.seconds, 6)}) + "\n")
            stream.flush()
            before = now
            yield text, recorded


@contextmanager
def _records_file(folder: Path, system: System) -> Iterator[Path]:
    """Hold the records file of a system for this process alone."""
    mark = hashlib.sha256(system.fingerprint.encode()).hexdigest()[:12]
    path = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', system.name)}-{mark}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=0):
            yield path
    except Timeout as error:
        raise DataError(f"{path}: another evaluation of {system.name} is writing these records") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", hint="name another folder with --records") from error


def _load(path: Path) -> dict[str, Recorded]:
    """Read what was recorded; a last line that a killed run left half written is cut off."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
    done: dict[str, Recorded] = {}
    for number, line in enumerate(whole.decode("utf-8").splitlines(), 1):
        try:
            row: dict[str, Any] = json.loads(line)
            output = SystemOutput(row["output"], row["score"], row["flagged"])
            done[row["key"]] = Recorded(output, row["seconds"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number}: not an evaluation record", hint="start over with --fresh") from error
    return done
