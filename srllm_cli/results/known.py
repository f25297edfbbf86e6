"""Which result belongs to which text: the keys, and the two levels at which results are looked up.

A document that has not changed needs one look-up and no parsing. In one that has, each passage is looked up, so that
only those are shown to a model that are new. A key is a hash of all that a result depends on: the text with its
surroundings, the model, how it is run and decided, the terms that occur, and the code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from srllm_cli.debias.terms import Terms
from srllm_cli.debias.types import Passage, Rewrite
from srllm_cli.results.codec import passage_from_bytes, passage_to_bytes, rewrite_from_bytes, rewrite_to_bytes
from srllm_cli.results.reading import Reading
from srllm_cli.results.store import ResultStore

if TYPE_CHECKING:
    from srllm_cli.debias.debiaser import PassageResult, Task

_PACKAGE = Path(__file__).parent.parent
#: What makes a result; the rest of the package cannot change one.
_MAKING = ("api.py", "debias", "documents", "engines", "models")


class KnownDocuments:
    """Results of whole documents, made one way (``mark``: model and settings), in a store."""

    def __init__(self, store: ResultStore, mark: str) -> None:
        self._store, self._mark = store, mark

    def find(self, documents: Sequence[tuple[str, Reading, Terms]]) -> list[Rewrite | None]:
        """Look up documents, each a text, how it is read and the terms for it."""
        keys = [self._key(*document) for document in documents]
        found = self._store.get_many(keys)
        return [
            rewrite_from_bytes(found[key], text) if key in found else None
            for key, (text, _, _) in zip(keys, documents, strict=True)
        ]

    def keep(self, text: str, reading: Reading, terms: Terms, rewrite: Rewrite) -> None:
        """Keep a document's result."""
        self._store.put_many({self._key(text, reading, terms): rewrite_to_bytes(rewrite)})

    def _key(self, text: str, reading: Reading, terms: Terms) -> bytes:
        relevant = terms.within(text)
        read = (reading.format, str(reading.comments), *reading.fields)
        return _hash("document", self._mark, *read, "text", text, *relevant.allow, "deny", *relevant.deny)


class KnownPassages:
    """Results of passages, made one way, in a store; called as ``srllm_cli.api.KnownResults``."""

    def __init__(self, store: ResultStore, mark: str) -> None:
        self._store, self._mark = store, mark

    def __call__(
        self, tasks: Sequence[Task], make: Callable[[Sequence[Task]], list[PassageResult]]
    ) -> list[PassageResult]:
        """Return each task's result, having those made that are not known."""
        keys = [_hash("passage", self._mark, _form(task.passage), task.context) for task in tasks]
        found = {key: passage_from_bytes(value) for key, value in self._store.get_many(keys).items()}
        missing = {key: task for key, task in zip(keys, tasks, strict=True) if key not in found}
        if missing:
            made = dict(zip(missing, make(list(missing.values())), strict=True))
            self._store.put_many({key: passage_to_bytes(result) for key, result in made.items()})
            found |= made
        return [found[key] for key in keys]


def _form(passage: Passage) -> str:
    """Spell a passage, with its places relative to its start."""
    low = passage.source_start
    pieces = [f"{p.start} {p.end} {p.source_start - low} {p.source_end - low} {p.kind.value}" for p in passage.pieces]
    return "\n".join([passage.block.value, *pieces, passage.text])


def _hash(*parts: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d " % len(data))
        digest.update(data)
    return digest.digest()


def making_mark(model_id: str, threshold: float | None, gpu_layers: int, screen: str = "") -> str:
    """Return the mark of one way to make results: model, threshold, engine settings, screen, code."""
    return "\n".join([model_id, str(threshold), str(gpu_layers), screen, code_mark()])


@lru_cache(maxsize=1)
def code_mark() -> str:
    """Return a hash of what makes results, so that none outlives the code or the word list that it came from.

    The models' own files are left out: their ids tell them apart (:mod:`srllm_cli.results.model_id`).
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in _MAKING:
        place = _PACKAGE / name
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.suffix in (".py", ".txt"):
                digest.update(path.read_bytes())
    digest.update(_llama_version().encode())
    return digest.hexdigest()


def _llama_version() -> str:
    """Name the installed llama.cpp binding by its metadata folder: importlib.metadata takes longer to import."""
    import sys

    for entry in sys.path:
        found = sorted(Path(entry or ".").glob("llama_cpp_python-*.dist-info"))
        if found:
            return found[0].name
    return ""
