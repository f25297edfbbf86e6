"""``python -m bench``: options, the run, and what it leaves: a JSON file, a page and a plot."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench.arithmetic import operations_per_token
from bench.figures import arithmetic_share, goals, growths, paces, peak_memory
from bench.page import Facts, Results, page
from bench.passages import PassagePool
from bench.plot import growth_plot
from bench.run import FULL, QUICK, Measured, known, run
from bench.systems import SYSTEMS, Settings
from srllm_cli.errors import SrllmError
from srllm_cli.models import resolve
from srllm_cli.models.bases import base_path
from srllm_cli.models.family import DEFAULT, FAMILY
from srllm_cli.training.pairs import read_pairs
from srllm_convert.gguf_file import check_gguf
from srllm_convert.quantize import quantize, weight_type

_PAGE, _JSON, _PLOT = "measured.md", "bench.json", "growth.svg"


def main() -> int:
    """Run the benchmark from the command line."""
    options = _parser().parse_args()
    try:
        names = known(options.system or list(SYSTEMS))
        model = resolve(options.model).path
        pool = PassagePool(read_pairs(options.data))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            base = _base(options.model, model, folder) if "instructed" in names else None
            settings = Settings(model, options.threads or _cores(), base)
            plan = QUICK if options.quick else FULL
            measured = run(plan, names, settings, pool, _token_counter(model), folder, _say)
    except (SrllmError, ValueError) as error:
        _say(f"bench: error: {error}")
        if hint := getattr(error, "hint", None):
            _say(f"hint: {hint}")
        return 2
    results = _results(measured, settings, options.model, quick=options.quick)
    text = page(results, _PLOT)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / _PAGE).write_text(text, encoding="utf-8")
    raw = {"results": asdict(results), "measured": asdict(measured)}
    (options.out / _JSON).write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    if results.growths:
        (options.out / _PLOT).write_text(
            growth_plot("Growth with the number of passages", results.growths), encoding="utf-8"
        )
    print(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measure srllm beside what else does its job.")
    parser.add_argument("--model", default=DEFAULT, help="a model that gives verdicts; all systems run its GGUF")
    parser.add_argument("--data", type=Path, action="append", required=True, help="pairs; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder for page, JSON and plot")
    parser.add_argument(
        "--system", action="append", help=f"one of {', '.join(SYSTEMS)}; may be repeated; all when left out"
    )
    parser.add_argument("--threads", type=int, default=0, help="threads of every system; 0: the cores there are")
    parser.add_argument("--quick", action="store_true", help="a few passages, to see that it works")
    return parser


def _results(measured: Measured, settings: Settings, model: str, *, quick: bool) -> Results:
    found = paces(measured.samples, settings.threads)
    size = settings.model.stat().st_size
    share = arithmetic_share(measured.peaks, operations_per_token(settings.model))
    kind = weight_type(check_gguf(settings.model))
    return Results(
        facts=Facts(_machine(), _cores(), settings.threads, version("llama-cpp-python"), model, size, kind, quick),
        paces=tuple(found),
        growths=tuple(growths(measured.samples)),
        memory=peak_memory(measured.samples),
        arithmetic_share=share,
        matmul_rate=median(peak.matmul_rate for peak in measured.peaks) if measured.peaks else None,
        starts=measured.starts,
        load_seconds=measured.load_seconds,
        missing=measured.missing,
        goals=tuple(goals(measured, found, size, share)),
    )


def _base(name: str, model: Path, folder: Path) -> Path | None:
    """Write the base of a built-in model in the type that the model has; ``None`` for any other model."""
    if name not in FAMILY:
        return None
    base = folder / "base.gguf"
    quantize(base_path(FAMILY[name].base), base, weight_type(check_gguf(model)), requantize=True)
    return base


def _token_counter(model: Path) -> Callable[[str], int]:
    """Return what counts a text's tokens in the model's vocabulary; no weights are loaded."""
    from llama_cpp import Llama

    from srllm_cli.engines.log import captured_log

    with captured_log():
        vocabulary = Llama(str(model), vocab_only=True, verbose=False)
    return lambda text: len(vocabulary.tokenize(text.encode(), add_bos=False, special=False))


def _machine() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
