"""What a command works on: the documents that its arguments name, read, with the settings in force for each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srllm_cli.configuration import Configuration, Configurator
from srllm_cli.documents import format_of, is_code, needs_fields
from srllm_cli.documents.discovery import find_documents
from srllm_cli.documents.files import Document, read_document, read_stream

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was read. ``excluded`` says that the settings exclude it, though it was named."""

    name: str
    document: Document
    configuration: Configuration
    excluded: bool

    @property
    def format(self) -> str:
        """The document's format."""
        return format_of(self.name)


def read_sources(names: Sequence[str], stdin_filename: str, configurator: Configurator) -> list[Source]:
    """Read everything first, so that a bad name stops the run before anything is written.

    Raises:
        InputError: when a name leads nowhere, or a document cannot be read.
        ConfigurationError: when settings that speak for a document are wrong.
    """

    def leaves_out(path: Path, *, folder: bool = False) -> bool:
        return configurator.excludes(path, folder=folder) or (not folder and not _has_prose(path, configurator))

    return [_read(name, stdin_filename, configurator) for name in find_documents(names or [STDIN], leaves_out)]


def _has_prose(path: Path, configurator: Configurator) -> bool:
    """Whether a file of a folder is read: code for its comments, a table for its fields, where they are asked for."""
    format = format_of(path)
    if is_code(format):
        return configurator.of(path).comments
    return not needs_fields(format) or bool(configurator.of(path).fields)


def _read(name: str, stdin_filename: str, configurator: Configurator) -> Source:
    shown = stdin_filename if name == STDIN else name
    place = Path(shown)
    document = read_stream(sys.stdin.buffer) if name == STDIN else read_document(place)
    return Source(shown, document, configurator.of(place), configurator.excludes(place))
