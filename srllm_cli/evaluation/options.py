"""What ``srllm eval`` is asked to do. Kept apart so that the command line can be built without the rest of the room."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from srllm_cli.models.family import DEFAULT


class SplitName(str, Enum):
    """Splits of the pairs; the test split is for reporting and is opened only when it is named."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What to evaluate, and on what. At least one of ``data`` and ``benchmarks`` must be given.

    ``models`` are srllm's own, ``systems`` specifications as ``systems.parse_system`` reads them. ``screen`` is what
    screens for every model, as for ``srllm rewrite`` (``None``: each model's own). ``limit`` takes so many texts of
    each set, evenly spread. ``records`` is the folder that a later run resumes from (``None``: in the user's cache);
    ``fresh`` forgets what it holds. ``content`` adds the content metrics (extra ``[eval]``), and ``judge`` those of a
    language model behind that address (extra ``[judge]``). ``at_once`` bounds the requests that a server has to answer
    at a time.
    """

    data: tuple[Path, ...] = ()
    split: SplitName = SplitName.VALIDATION
    benchmarks: tuple[Path, ...] = ()
    models: tuple[str, ...] = (DEFAULT,)
    threshold: float | None = None
    screen: str | None = None
    systems: tuple[str, ...] = ()
    limit: int | None = None
    records: Path | None = None
    fresh: bool = False
    content: bool = False
    judge: str | None = None
    judge_model: str | None = None
    at_once: int = 4
