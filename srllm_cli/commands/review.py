"""``srllm rewrite --interactive``: the findings one by one; nothing is written but what is accepted."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from srllm_cli.commands.rewriting import rewrite_sources
from srllm_cli.commands.selecting import Selector
from srllm_cli.commands.terminal import has_colour
from srllm_cli.debias.selection import by_sentence, rewritten_sentence, sentence_span
from srllm_cli.debias.terms import DENIED, spans
from srllm_cli.debias.types import Edit, Finding, Status
from srllm_cli.documents.apply import apply_edits
from srllm_cli.documents.files import encode, write_atomic
from srllm_cli.errors import InputError
from srllm_cli.reporting.text_report import sentence_lines

if TYPE_CHECKING:
    from srllm_cli.commands.progress import WorkProgress
    from srllm_cli.commands.sources import Source
    from srllm_cli.configuration import Configurator
    from srllm_cli.reporting.document import ReportedDocument

_HELP = {
    "y": "accept this rewrite",
    "n": "skip: leave the sentence as it is",
    "e": "edit: write the sentence yourself, in $VISUAL or $EDITOR",
    "i": "ignore always: add these words to `allow` in the settings",
    "a": "accept this and all later rewrites of the file",
    "d": "skip this and all later sentences of the file",
    "q": "quit; what was accepted is written",
    "?": "show this help",
}


@dataclass(slots=True)
class _Session:
    """What holds from one sentence to the next (mutable)."""

    configurator: Configurator
    ignored: list[str] = field(default_factory=list)
    quit: bool = False


def review(sources: Sequence[Source], progress: WorkProgress, configurator: Configurator) -> bool:
    """Step through the findings of all sources; write each file once it is through.

    Returns whether all of them could be parsed.

    Raises:
        InputError: when there is no terminal to ask in, or a file cannot be written.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError("--interactive needs a terminal", "use --diff or --check where there is none")
    selector = Selector(sources)
    with progress:
        results = dict(rewrite_sources(sources, progress))
    session = _Session(configurator)
    written = 0
    for i in sorted(results):
        source = sources[i]
        document = selector.select(source, results[i])
        edits = _review_document(source, document, session)
        if edits:
            text = apply_edits(document.before, edits)
            write_atomic(source.document, encode(source.document, text))
            written += 1
        if session.quit:
            break
    _print(f"{written} of {len(sources)} {'file' if len(sources) == 1 else 'files'} changed")
    return len(results) == len(sources)


def _review_document(source: Source, document: ReportedDocument, session: _Session) -> list[Edit]:
    """Ask about each sentence of a document; return the edits to make."""
    edits: list[Edit] = []
    groups = list(by_sentence(document.rewrite.findings))
    every = ""
    for number, group in enumerate(groups, 1):
        if any(any(spans(session.ignored, finding.original)) for finding in group):
            continue
        choices = _choices(group)
        if every:
            answer = every if every in choices else "n"
        else:
            for line in sentence_lines(document, group, colour=has_colour(sys.stdout)):
                _print(line)
            answer = _ask(f"({number}/{len(groups)}) Rewrite this sentence [{','.join(choices)}]? ", choices)
        if answer == "q":
            session.quit = True
            break
        if answer in "ad":
            every = answer = "y" if answer == "a" else "n"
        if answer == "y":
            edits += _edits(group)
        elif answer == "e":
            edits += _edited(document, group, Path(source.name).suffix)
        elif answer == "i":
            _ignore(source, group, session)
    return sorted(edits, key=lambda edit: edit.start)


def _choices(group: Sequence[Finding]) -> list[str]:
    """Return the answers that make sense for a sentence."""
    left_out = set()
    if not _edits(group):
        left_out |= {"y", "a"}
    if not _terms(group):
        left_out.add("i")
    return [key for key in _HELP if key not in left_out]


def _edits(group: Sequence[Finding]) -> list[Edit]:
    return [Edit(f.start, f.end, f.replacement or "") for f in group if f.status is Status.REWRITTEN]


def _terms(group: Sequence[Finding]) -> list[str]:
    """Return the words that would have to be allowed; none for a term that the settings deny."""
    return [" ".join(f.original.split()) for f in group if f.dimension != DENIED and f.original.strip()]


def _ask(question: str, choices: Sequence[str]) -> str:
    while True:
        try:
            answer = input(question).strip().lower()[:1]
        except EOFError:  # Ctrl-D
            _print("")
            return "q"
        if answer in choices and answer != "?":
            return answer
        for key in choices:
            _print(f"  {key} - {_HELP[key]}")


def _edited(document: ReportedDocument, group: Sequence[Finding], suffix: str) -> Iterator[Edit]:
    """Yield the sentence as the user writes it; nothing when they leave it as it was, or empty."""
    start, end = sentence_span(group)
    before = document.before[start:end]
    after = _in_editor(rewritten_sentence(document.before, group), suffix)
    if after.strip() and after != before:
        yield Edit(start, end, after)


def _in_editor(text: str, suffix: str) -> str:
    """Return the text as it comes back from the user's editor, without the line break that editors add."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    with tempfile.TemporaryDirectory(prefix="srllm-") as folder:
        path = Path(folder) / f"sentence{suffix}"
        path.write_bytes(text.encode())
        try:
            done = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 -- the user's own editor
        except OSError as error:
            raise InputError(f"{editor}: the editor cannot be run: {error.strerror}", "set EDITOR") from error
        if done.returncode:
            raise InputError(f"{editor}: the editor ended with code {done.returncode}", "set EDITOR")
        after = path.read_bytes().decode("utf-8", "replace")
    return after if text.endswith("\n") else after.removesuffix("\n").removesuffix("\r")


def _ignore(source: Source, group: Sequence[Finding], session: _Session) -> None:
    from srllm_cli.configuration.edit import allow_terms

    terms = _terms(group)
    place = Path(source.name).absolute()
    root = next((folder for folder in place.parents if (folder / ".git").exists()), Path.cwd())
    path = allow_terms(session.configurator.file_for(place), root, terms)
    session.ignored += terms
    _print(f"  allowed from now on, in {os.path.relpath(path)}: {', '.join(terms)}")


def _print(line: str) -> None:
    print(line)  # noqa: T201 -- the user is asked here, in a terminal
