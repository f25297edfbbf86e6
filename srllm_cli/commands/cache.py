"""``srllm cache``: what is kept of earlier runs, and how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from srllm_cli.commands.terminal import print_text

if TYPE_CHECKING:
    from srllm_cli.results.store import ResultStore

app = typer.Typer(
    help="Show, prune or clear the results that are kept so that unchanged text needs no model.",
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Show, prune or clear the results that are kept so that unchanged text needs no model."""
    if context.invoked_subcommand is not None:
        return
    import time

    from srllm_cli.models.cache import models_folder

    with _store() as store:
        figures = store.figures()
        print_text(f"results  {figures.results:,} in {_size(figures.bytes)}  {store.path}\n")
        if figures.oldest is not None:
            print_text(f"oldest   last used {time.strftime('%Y-%m-%d', time.localtime(figures.oldest))}\n")
    folder = models_folder()
    models = sorted(folder.glob("*.gguf")) if folder.is_dir() else []
    print_text(f"models   {len(models)} in {_size(sum(file.stat().st_size for file in models))}  {folder}\n")


@app.command(epilog="Example:  srllm cache prune --days 30")
def prune(
    days: Annotated[float, typer.Option(min=0.0, help="Remove what was not used for so many days.")] = 30.0,
) -> None:
    """Remove results that were not used for some time."""
    with _store() as store:
        print_text(f"{store.prune(days):,} results removed\n")


@app.command(epilog="Example:  srllm cache clear")
def clear() -> None:
    """Remove all results. Models that were made or fetched stay."""
    with _store() as store:
        print_text(f"{store.clear():,} results removed\n")


def _store() -> ResultStore:
    from srllm_cli.models.cache import cache_folder
    from srllm_cli.results.store import FILE, ResultStore

    return ResultStore(cache_folder() / FILE)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"
