"""``srllm train``, ``merge`` and ``quantize``: how a model is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from srllm_cli.commands.terminal import print_text, say
from srllm_cli.errors import MissingExtraError


def train(
    data: Annotated[list[Path], typer.Option(help="Pairs: .jsonl or .csv files, or folders of them. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log, and at the end the adapter.")],
    recipe: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Recipe file (JSON); the built-in model's recipe when left out."),
    ] = None,
    base: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Base model: smollm2, qwen2.5-coder-0.5b, a GGUF, a checkpoint folder, a hub id."),
    ] = None,
    passes: Annotated[Optional[int], typer.Option(min=1, help="Passes over the data.")] = None,  # noqa: UP045
    rank: Annotated[Optional[int], typer.Option(min=1, help="LoRA rank.")] = None,  # noqa: UP045
    learning_rate: Annotated[Optional[float], typer.Option(help="Peak learning rate.")] = None,  # noqa: UP045
    fresh: Annotated[bool, typer.Option("--fresh", help="Ignore checkpoints in --out and start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train a LoRA adapter on pairs of biased and debiased text. A killed run goes on from its last checkpoint."""
    with _needs_extra("train", "train"):
        from srllm_cli.training.train import Progress
        from srllm_cli.training.train import train as run
    import dataclasses

    from srllm_cli.training.pairs import read_pairs
    from srllm_cli.training.recipe import Recipe

    chosen = Recipe.read(recipe) if recipe else Recipe()
    given: dict[str, Any] = {"base": base, "passes": passes, "rank": rank, "learning_rate": learning_rate}
    chosen = dataclasses.replace(chosen, **{key: value for key, value in given.items() if value is not None})
    pairs = read_pairs(data)
    if not quiet:
        say(f"{len(pairs)} records; training in {out}")

    def report(progress: Progress) -> None:
        if not quiet and (progress.step % 10 == 0 or progress.step == progress.steps):
            loss = "" if progress.loss is None else f"  loss {progress.loss:.3f}"
            say(f"step {progress.step}/{progress.steps}{loss}  {progress.tokens:,} tokens")

    adapter = run(chosen, pairs, out, resume=not fresh, report=report)
    print_text(f"{adapter}\n")


def merge(
    adapter: Annotated[Path, typer.Argument(help="Folder with the adapter that srllm train wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the merged checkpoint; it must not exist.")],
    base: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Base model, when it is not the one in the adapter's recipe."),
    ] = None,
) -> None:
    """Merge an adapter into its base model: a Hugging Face checkpoint in safetensors."""
    with _needs_extra("merge", "train"):
        from srllm_cli.training.merge import merge as run
    print_text(f"{run(adapter, out, base)}\n")


def quantize(
    source: Annotated[Path, typer.Argument(help="A checkpoint folder, an adapter folder, or a GGUF.")],
    out: Annotated[Path, typer.Option(help="The GGUF to write.")],
    type: Annotated[
        str, typer.Option("--type", "-t", help="F16, BF16, Q8_0, Q4_K_M, Q4_0 … (llama.cpp's names).")
    ] = "Q8_0",
    threshold: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0.0, max=1.0, help="Calibrated threshold to store in the model."),
    ] = None,
) -> None:
    """Convert a checkpoint or adapter to GGUF, or a GGUF to another type, with the protocol in its metadata."""
    from srllm_convert import quantize_command

    quantize_command(source, out, type, threshold=threshold)
    print_text(f"{out}\n")


class _needs_extra:  # noqa: N801 -- used as a function
    """Turns a missing optional dependency into an error that names the extra."""

    def __init__(self, command: str, extra: str) -> None:
        self._command, self._extra = command, extra

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("srllm"):
            raise MissingExtraError(self._command, self._extra) from error
