"""What a run of ``rewrite`` gives: the rewritten documents, a diff, or a report, to where they should go."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from srllm_cli.commands.sources import Source
from srllm_cli.commands.terminal import coloured_diff, has_colour, print_bytes, print_text
from srllm_cli.documents.files import encode, write_new
from srllm_cli.errors import InputError
from srllm_cli.reporting.document import ReportedDocument

if TYPE_CHECKING:
    from srllm_cli.models.screen import ScreenChoice


class OutputFormat(str, Enum):
    """In what form findings are reported."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    sarif = "sarif"
    github = "github"
    gitlab = "gitlab"
    junit = "junit"


def report(
    format: OutputFormat,
    documents: Sequence[ReportedDocument],
    models: Sequence[str],
    screen: ScreenChoice | None,
    *,
    colour: bool,
) -> str:
    """Return the report in a format."""
    if format is OutputFormat.text:
        from srllm_cli.reporting.text_report import sentence_reports

        return "".join(f"{block}\n" for document in documents for block in sentence_reports(document, colour=colour))
    if format is OutputFormat.json:
        from srllm_cli.reporting.json_report import json_report

        return json_report(", ".join(models), documents, screen)
    if format is OutputFormat.jsonl:
        from srllm_cli.reporting.json_report import json_lines

        return json_lines(documents)
    if format is OutputFormat.sarif:
        from importlib.metadata import version

        from srllm_cli.reporting.sarif_report import sarif_report

        return sarif_report(version("srllm"), documents)
    from srllm_cli.reporting import ci_reports

    made: dict[OutputFormat, Callable[[Sequence[ReportedDocument]], str]] = {
        OutputFormat.github: ci_reports.github_report,
        OutputFormat.gitlab: ci_reports.gitlab_report,
        OutputFormat.junit: ci_reports.junit_report,
    }
    return made[format](documents)


def write_report(text: str, output: Path | None) -> None:
    """Print a report, or write it to a file."""
    if output is None:
        print_text(text)
    else:
        write_new(output, text.encode("utf-8", "surrogatepass"))


def write_diffs(sources: Sequence[Source], documents: Sequence[ReportedDocument], output: Path | None) -> None:
    """Print the diffs of the documents, in colour on a terminal, or write them to a file."""
    from srllm_cli.reporting.diff_report import unified_diff

    marks = ("\ufeff" if source.document.bom else "" for source in sources)
    text = "".join(unified_diff(document, mark) for document, mark in zip(documents, marks, strict=True))
    if output is None and has_colour(sys.stdout):
        print_text(coloured_diff(text))
    else:
        write_report(text, output)


def write_documents(sources: Sequence[Source], documents: Sequence[ReportedDocument], output: Path | None) -> None:
    """Print the rewritten documents one after the other, or write them to a file or into a folder."""
    contents = [encode(source.document, done.rewrite.text) for source, done in zip(sources, documents, strict=True)]
    if output is None:
        for content in contents:
            print_bytes(content)
        return
    for target, content in zip(targets([source.name for source in sources], output), contents, strict=True):
        write_new(target, content)


def targets(names: Sequence[str], output: Path) -> list[Path]:
    """Return where each document goes: to ``output`` itself when it is one, else into the folder of that name.

    In a folder, documents keep their paths relative to the working folder; to what they have in common where one lies
    elsewhere.

    Raises:
        InputError: when several documents would go into one file.
    """
    if len(names) == 1 and not output.is_dir() and not str(output).endswith(("/", os.sep)):
        return [output]
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: several documents cannot go into one file", "name a folder for --output")
    places = [Path(os.path.abspath(name)) for name in names]  # noqa: PTH100 -- links are not followed
    common = Path(os.path.commonpath([place.parent for place in places]))
    here = Path.cwd()
    root = here if common.is_relative_to(here) else common
    return [output / place.relative_to(root) for place in places]
