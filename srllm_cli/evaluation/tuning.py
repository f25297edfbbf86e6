"""Which type of a model is fastest on this machine at no loss: what ``srllm models tune`` measures.

Every type is made, run over the same texts in turns, and compared with the most exact one. The choice itself is a
function of figures and knows no model.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from srllm_cli.api import Debiaser
from srllm_cli.debias.types import Rewrite
from srllm_cli.errors import DataError
from srllm_cli.evaluation.metrics import score_text
from srllm_cli.evaluation.texts import EvalText, from_pair, spread
from srllm_cli.models.family import FAMILY
from srllm_cli.models.manifest import Manifest, adapter_path

#: The types that are tried, the most exact first.
FORMS = ("BF16", "F16", "Q8_0", "Q4_K_M", "Q4_0")
#: A model that is already rounded is given no second rounding: these keep what it holds, or next to all of it.
_EXACT = ("BF16", "F16", "Q8_0")
#: The name of a GGUF as it was given.
AS_IT_IS = "as it is"
#: How much of the clean rewrites, and of the neutral texts left alone, a faster type may cost.
MOST_LOST = 0.01
#: Every type takes its turn so often, so that a machine that slows down slows all of them.
_TURNS = 3

_WARM_UP = "Ice melts at 0 degrees, and water boils at 100."

Progress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class FormFigures:
    """A type of the model: its size, its pace, and the shares of clean rewrites and of neutral texts left alone."""

    form: str
    size: int
    words_a_second: float
    clean: float
    untouched: float


def best_form(figures: Sequence[FormFigures], most_lost: float = MOST_LOST) -> FormFigures:
    """Return the fastest type that loses at most ``most_lost`` of either share against the first, most exact one."""
    exact = figures[0]
    able = [
        one for one in figures if one.clean >= exact.clean - most_lost and one.untouched >= exact.untouched - most_lost
    ]
    return max(able, key=lambda one: one.words_a_second)


def tuning_texts(data: Sequence[Path], limit: int | None) -> list[EvalText]:
    """Return the validation split of the pairs, or ``limit`` of its texts, evenly spread.

    Raises:
        DataError: when the pairs cannot be read, or hold no text of one of the labels.
    """
    from srllm_cli.training.pairs import read_pairs
    from srllm_cli.training.splits import split_pairs

    texts = [from_pair(pair) for pair in spread(split_pairs(read_pairs(list(data))).named("validation"), limit)]
    if {text.label for text in texts} != {"biased", "neutral"}:
        raise DataError("tuning needs biased and neutral texts in the validation split", hint="give more data")
    return texts


def tune(
    model: str, texts: Sequence[EvalText], out: Path | None = None, progress: Progress | None = None
) -> tuple[list[FormFigures], FormFigures]:
    """Measure every type of a model; return the figures, and the best.

    A built-in model is kept in its best type from now on. Of another GGUF the best is written as ``out``, if that is
    given and it is not the file itself.

    Raises:
        ModelError: when the model cannot be had or made.
        DataError: as the pairs' own.
    """
    say = progress or (lambda *_: None)
    with _made_forms(model, say) as files:
        figures = measure(files, texts, say)
        best = best_form(figures)
        if model in FAMILY:
            from srllm_cli.models.form import keep_tuned_form

            keep_tuned_form(FAMILY[model], Manifest.read(FAMILY[model]), best.form)
        elif out is not None and best.form != AS_IT_IS:
            from srllm_convert.files import whole_file

            with whole_file(out) as part:
                shutil.copyfile(files[best.form], part)
    return figures, best


def measure(files: dict[str, Path], texts: Sequence[EvalText], progress: Progress) -> list[FormFigures]:
    """Run each file over the texts, a part of them at a turn, and return its figures in the order of ``files``."""
    seconds = dict.fromkeys(files, 0.0)
    outcomes: dict[str, list[tuple[bool, bool]]] = {form: [] for form in files}
    turns = min(_TURNS, len(texts))
    for turn in range(turns):
        part = texts[turn::turns]
        for number, (form, path) in enumerate(files.items()):
            progress(f"measuring {form}", (turn * len(files) + number) / (turns * len(files)))
            with Debiaser(str(path), screen="none") as debiaser:
                debiaser.rewrite(_WARM_UP)  # loading, and reading the file's pages, is not what is compared
                start = time.perf_counter()
                results = list(debiaser.rewrite_all(text.text for text in part))
                seconds[form] += time.perf_counter() - start
            outcomes[form] += [_outcome(text, result) for text, result in zip(part, results, strict=True)]
    words = sum(len(text.text.split()) for text in texts)
    return [
        FormFigures(form, path.stat().st_size, words / seconds[form], *_shares(outcomes[form]))
        for form, path in files.items()
    ]


def _outcome(text: EvalText, result: Rewrite) -> tuple[bool, bool]:
    """Return whether a text is biased, and whether what became of it is good: clean, or left alone."""
    scored = score_text(text.text, result.text, text.references, text.spans, text.keep)
    biased = text.label == "biased"
    return biased, bool(scored.clean) if biased else not scored.changed


def _shares(outcomes: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    """Return the shares of good outcomes among the biased and among the neutral texts."""
    by_label = [[good for biased, good in outcomes if biased is wanted] for wanted in (True, False)]
    clean, untouched = (sum(found) / max(1, len(found)) for found in by_label)
    return clean, untouched


@contextmanager
def _made_forms(model: str, progress: Progress) -> Iterator[dict[str, Path]]:
    """Make the model in every type, in a folder that is removed afterwards; yield the files by type."""
    from srllm_cli.models.cache import need_space

    with TemporaryDirectory(prefix="srllm-tune-") as folder:
        place = Path(folder)
        if model in FAMILY:
            from srllm_convert.quantize import merging_bytes

            base = _base(model, progress)
            need_space(place, sum(merging_bytes(base, form) for form in FORMS), "tuning")
            yield {form: _merged(model, base, form, place, progress) for form in FORMS}
            return
        from srllm_cli.models import resolve

        source = resolve(model, progress=progress).path
        yield {AS_IT_IS: source} | _quantised(source, place, progress)


def _base(model: str, progress: Progress) -> Path:
    from srllm_cli.models.bases import base_path

    return base_path(FAMILY[model].base, progress)


def _merged(model: str, base: Path, form: str, folder: Path, progress: Progress) -> Path:
    from srllm_convert.quantize import merge_quantized

    member = FAMILY[model]
    path = folder / f"{form}.gguf"
    merge_quantized(
        base,
        adapter_path(member),
        path,
        form,
        stored=Manifest.read(member).stored,
        progress=lambda share: progress(f"making {form}", share),
    )
    return path


def _quantised(source: Path, folder: Path, progress: Progress) -> dict[str, Path]:
    """Write a user's GGUF in every type that rounds nothing twice, but the one that it has."""
    from srllm_cli.models.cache import need_space
    from srllm_convert.gguf_file import check_gguf
    from srllm_convert.quantize import is_rounded, quantize, weight_type
    from srllm_convert.tensors import encoded_size, encoding

    header = check_gguf(source)
    full = sum(encoded_size(tensor.shape, encoding("F16")) for tensor in header.tensors)
    own = weight_type(header)
    forms = [form for form in (_EXACT if is_rounded(header) else FORMS) if form != own]
    need_space(folder, len(forms) * full, "tuning")
    files = {}
    for form in forms:
        files[form] = folder / f"{form}.gguf"
        progress(f"making {form}", None)
        quantize(source, files[form], form, requantize=True)
    return files
