"""A baseline: the findings that a team has chosen to live with for now, in a file that is kept with the text.

A finding is known by its document and its sentence with white space evened out, so it is recognised wherever in the
document it moves and however it is wrapped. The file holds the sentences themselves: a person can read and review it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from srllm_cli.debias.selection import by_sentence, select, sentence_span
from srllm_cli.debias.types import Finding, Rewrite
from srllm_cli.documents.files import write_new
from srllm_cli.errors import ConfigurationError

VERSION = 1

#: How often a sentence is known in a document, by (path relative to the baseline's folder, sentence).
Known = Counter[tuple[str, str]]


def read_baseline(path: Path) -> Known:
    """Read a baseline.

    Raises:
        ConfigurationError: when it is missing or has another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ConfigurationError(f"{path}: a baseline of version {content['version']!r}, not {VERSION}", _HINT)
        return Counter({(str(row["path"]), str(row["sentence"])): int(row["count"]) for row in content["findings"]})
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: no such baseline", _HINT) from error
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: is no baseline of srllm", _HINT) from error


def write_baseline(path: Path, results: Iterable[tuple[Path, str, Rewrite]]) -> int:
    """Write the findings of documents (each its path, text and result) as a baseline; return how many sentences.

    Raises:
        InputError: when the file cannot be written.
    """
    known: Known = Counter()
    for place, text, rewrite in results:
        name = _name(place, path)
        known.update((name, _sentence(text, group)) for group in by_sentence(rewrite.findings))
    rows = [{"path": name, "sentence": sentence, "count": known[name, sentence]} for name, sentence in sorted(known)]
    content = json.dumps({"version": VERSION, "findings": rows}, ensure_ascii=False, indent=1)
    write_new(path, f"{content}\n".encode("utf-8", "backslashreplace"))
    return known.total()


def without_known(place: Path, text: str, rewrite: Rewrite, baseline: Path, known: Known) -> Rewrite:
    """Return a document's result without the sentences that its baseline knows; as often as it knows them."""
    name = _name(place, baseline)
    left = Counter({sentence: count for (path, sentence), count in known.items() if path == name})

    def is_new(group: tuple[Finding, ...]) -> bool:
        sentence = _sentence(text, group)
        left[sentence] -= 1
        return left[sentence] < 0

    return select(text, rewrite, is_new)


def _name(place: Path, baseline: Path) -> str:
    return Path(os.path.relpath(place, baseline.parent)).as_posix()


def _sentence(text: str, group: Sequence[Finding]) -> str:
    start, end = sentence_span(group)
    return " ".join(text[start:end].split())


_HINT = "write one with: srllm rewrite --write-baseline FILE …"
