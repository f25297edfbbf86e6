"""How a document is read: part of what its result depends on."""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    """A document's format, and what of it is prose (see :func:`srllm_cli.documents.passages`)."""

    format: str
    comments: bool = False
    fields: tuple[str, ...] = ()
