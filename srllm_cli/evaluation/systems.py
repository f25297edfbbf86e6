"""What is evaluated: anything that takes texts and gives them back rewritten, scored, or both.

A system is named on the command line by a short specification (``parse_system`` lists the forms). The heavy ones load
nothing before their first text. Knows nothing of metrics, labels or reports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from srllm_cli.debias.types import Rewrite
from srllm_cli.errors import DataError
from srllm_cli.evaluation.texts import EvalText
from srllm_cli.results.known import code_mark
from srllm_cli.results.model_id import built_in_id

#: Texts that the engine is given at a time: many batches' worth, and few enough that a killed run loses little.
_SRLLM_BATCH = 64
#: Specifications that name something after their colon.
_WITH_ARGUMENT = ("adapter", "column", "fewshot", "outputs", "prompted", "server", "verdict-server")


@dataclass(frozen=True, slots=True)
class SystemOutput:
    """What a system made of one text. ``score`` in [0, 1], higher means biased; ``None``: the system gives no score.

    ``flagged`` says whether the system reports something to the writer, rewritten or not.
    """

    text: str
    score: float | None
    flagged: bool


class System(Protocol):
    """A way of debiasing texts. Stateless to its caller: the outputs do not depend on how the texts are batched."""

    @property
    def name(self) -> str:
        """Name in tables and records."""

    @property
    def fingerprint(self) -> str:
        """What its outputs depend on besides the text: a record is used again only under the same fingerprint."""

    def covers(self, text: EvalText) -> bool:
        """Return whether the system has an answer for this text; texts that it does not cover are left out."""

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Yield one output a text, in order."""


class Rewriter(Protocol):
    """The part of ``srllm_cli.Debiaser`` that is used here."""

    def rewrite_all(self, texts: Iterable[str], format: str = "plain") -> Iterator[Rewrite]:
        """Yield one rewrite a text, in order."""

    def close(self) -> None:
        """Free the model."""


class CoversAll:
    """For systems that answer on every text."""

    def covers(self, text: EvalText) -> bool:
        """Every text."""
        return True


class Identity(CoversAll):
    """Leaves every text as it is and flags nothing: what doing nothing is worth."""

    name = "identity"
    fingerprint = "identity"

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Yield each text unchanged."""
        return (SystemOutput(text.text, None, flagged=False) for text in texts)


class SrllmSystem(CoversAll):
    """srllm itself, with any model that ``srllm rewrite --model`` takes. Loads the model at the first text."""

    def __init__(
        self,
        model: str,
        threshold: float | None = None,
        screen: str | None = None,
        load: Callable[[str, float | None, str | None], Rewriter] | None = None,
    ) -> None:
        """Take a model by name; ``load`` makes the rewriter (``Debiaser`` when not given)."""
        self._model, self._threshold, self._screen = model, threshold, screen
        self._load = load or _load_debiaser

    @property
    def name(self) -> str:
        """The model as it was named, and the threshold and the screen when they were asked for."""
        name = self._model if self._threshold is None else f"{self._model}@{self._threshold:g}"
        return name if self._screen is None else f"{name} (screen: {self._screen})"

    @property
    def fingerprint(self) -> str:
        """Model files, threshold, and the code and packages that make up a rewrite."""
        marks = ["srllm", model_mark(self._model), repr(self._threshold), code_mark()]
        if self._screen is not None:
            file, _, _ = self._screen.rpartition("@")
            marks += [self._screen, model_mark(file or self._screen)]
        return "|".join(marks)

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Rewrite through the batched engine. The score of a text is the highest of its passages."""
        with closing(self._load(self._model, self._threshold, self._screen)) as rewriter:
            for start in range(0, len(texts), _SRLLM_BATCH):
                batch = [text.text for text in texts[start : start + _SRLLM_BATCH]]
                for result in rewriter.rewrite_all(batch, format="plain"):
                    yield SystemOutput(result.text, _highest_score(result), flagged=bool(result.findings))


class ReadyOutputs:
    """Outputs that somebody made before: a column of the texts' own file (``mbias_7b``). No scores."""

    def __init__(self, column: str) -> None:
        self.name = column
        self.fingerprint = f"column|{column}"
        self._column = column

    def covers(self, text: EvalText) -> bool:
        """Only texts whose file has the column."""
        return self._column in text.ready

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Yield the column's texts."""
        return (_ready(text, text.ready[self._column], None) for text in texts)


class OutputsFile:
    """Ready-made outputs from a JSON Lines file: ``id``, ``output`` and, if there is one, ``score``."""

    def __init__(self, path: Path, column: str = "output") -> None:
        """Read and check the file.

        Raises:
            DataError: naming file and row, when the file cannot be read or a row breaks its form.
        """
        self.name = path.stem if column == "output" else f"{path.stem}#{column}"
        self.fingerprint = f"outputs|{file_mark(str(path))}|{column}"
        self._outputs = _read_outputs(path, column)

    def covers(self, text: EvalText) -> bool:
        """Only texts whose id the file has."""
        return text.id in self._outputs

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Yield the file's outputs by id."""
        return (_ready(text, *self._outputs[text.id]) for text in texts)


def parse_system(
    spec: str,
    threshold: float | None,
    word_list: Callable[[], Mapping[str, str]],
    *,
    screen: str | None = None,
    at_once: int = 4,
) -> System:
    """Return the system that a command-line specification names.

    ``identity``; ``alex``; ``wordlist``; ``column:NAME``; ``outputs:FILE.jsonl`` or ``outputs:FILE.jsonl#COLUMN``;
    ``prompted:FILE.gguf`` (no examples) and ``fewshot:FILE.gguf``; ``adapter:BASE.gguf+ADAPTER.gguf``;
    ``server:URL`` or ``server:URL#MODEL``, and ``verdict-server:`` likewise; anything else is a model of ``srllm
    rewrite``.

    Args:
        spec: the specification.
        threshold: threshold of srllm's own verdicts; other systems have none.
        word_list: makes the terms of the word list, called only when it is asked for.
        at_once: requests that a server may have under way.
        screen: what screens for srllm's own models; ``None`` takes each one's own.

    Raises:
        DataError: when the specification is incomplete or its file is missing.
        ServerError: when a server's address is none.
    """
    from srllm_cli.evaluation import baselines

    kind, colon, rest = spec.partition(":")
    if colon and kind in _WITH_ARGUMENT and not rest:
        raise DataError(f"--system {spec}: nothing follows the colon")
    if spec == "identity":
        return Identity()
    if spec == "alex":
        return baselines.Alex()
    if spec == "wordlist":
        return baselines.WordList(word_list())
    if kind == "column" and colon:
        return ReadyOutputs(rest)
    if kind == "outputs" and colon:
        path, _, column = rest.partition("#")
        return OutputsFile(Path(path), column or "output")
    if kind in ("prompted", "fewshot") and colon:
        return baselines.Prompted(Path(rest), few_shot=kind == "fewshot")
    if kind == "adapter" and colon:
        from srllm_cli.evaluation.adapters import AdapterSystem

        base, plus, adapter = rest.partition("+")
        if not plus or not adapter:
            raise DataError(f"--system {spec}: an adapter is named with its base, as adapter:BASE.gguf+ADAPTER.gguf")
        return AdapterSystem(base, Path(adapter), threshold)
    if kind in ("server", "verdict-server") and colon:
        from srllm_cli.evaluation.servers import ServerSystem

        url, _, model = rest.partition("#")
        return ServerSystem(url, model or None, verdict=kind == "verdict-server", at_once=at_once)
    return SrllmSystem(spec, threshold, screen)


def model_mark(name: str) -> str:
    """Return what a model's outputs are recorded under: it changes with an own model, and with a file."""
    return built_in_id(name) or file_mark(name)


def file_mark(name: str) -> str:
    """Return what identifies a file's content without reading it (path, size, time), or the bare name if it is none."""
    path = Path(name)
    if not path.is_file():
        return name
    stat = path.stat()
    return f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"


def _load_debiaser(model: str, threshold: float | None, screen: str | None) -> Rewriter:
    from srllm_cli.api import Debiaser

    rewriter: Rewriter = Debiaser(model=model, threshold=threshold, screen=screen)
    return rewriter


def _highest_score(result: Rewrite) -> float | None:
    """Return the text's score: 0 when there was nothing to show to the model, ``None`` when a model gives no score."""
    if not result.passages:
        return 0.0
    return max((passage.score for passage in result.passages if passage.score is not None), default=None)


def _ready(text: EvalText, output: str, score: float | None) -> SystemOutput:
    return SystemOutput(output, score, flagged=output != text.text)


def _read_outputs(path: Path, column: str) -> dict[str, tuple[str, float | None]]:
    outputs: dict[str, tuple[str, float | None]] = {}
    try:
        with path.open(encoding="utf-8") as stream:
            for row, line in enumerate(stream, 1):
                if line.strip():
                    identifier, value = _output_row(f"{path}:{row}", line, column)
                    if identifier in outputs:
                        raise DataError(f"{path}:{row}: id {identifier!r} occurs twice")
                    outputs[identifier] = value
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    return outputs


def _output_row(where: str, line: str, column: str) -> tuple[str, tuple[str, float | None]]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get(column), str):
        raise DataError(f"{where}: needs the texts 'id' and {column!r}")
    score = row.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1):
        raise DataError(f"{where}: 'score' must be a number from 0 to 1")
    return row["id"], (row[column], None if score is None else float(score))
