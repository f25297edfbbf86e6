"""The edits that lead from a text to its rewrite, word by word. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from srllm_cli.debias.types import Edit

_TOKEN = re.compile(r"\s+|\w+(?:['’]\w+)*|[^\w\s]")


def words(text: str) -> list[str]:
    """Cut a text into words, runs of white space and single signs; joined, they are the text."""
    return _TOKEN.findall(text)


def word_edits(source: str, rewrite: str) -> list[Edit]:
    """Return the edits, in order and without overlap; applying them all to ``source`` gives ``rewrite``, exactly.

    Edits with nothing but white space, or a single word of three letters at most, between them are one edit: "the
    cleaning lady" to "a cleaner" reads better whole than as three findings.
    """
    old, new = words(source), words(rewrite)
    changed: list[list[int]] = []
    for tag, old_start, old_end, new_start, new_end in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        if changed and _is_small_gap(old[changed[-1][1] : old_start]):
            changed[-1][1], changed[-1][3] = old_end, new_end
        else:
            changed.append([old_start, old_end, new_start, new_end])
    at = offsets(old)
    return [Edit(at[i1], at[i2], "".join(new[j1:j2])) for i1, i2, j1, j2 in changed]


def apply_all(source: str, edits: Sequence[Edit]) -> str:
    """Apply edits that are in order and do not overlap."""
    parts: list[str] = []
    done = 0
    for edit in edits:
        parts += [source[done : edit.start], edit.replacement]
        done = edit.end
    parts.append(source[done:])
    return "".join(parts)


def offsets(tokens: Sequence[str]) -> list[int]:
    """Return where each token begins, and at the end the length of them all."""
    result = [0]
    for token in tokens:
        result.append(result[-1] + len(token))
    return result


def _is_small_gap(tokens: Sequence[str]) -> bool:
    spelled = [token for token in tokens if not token.isspace()]
    return not spelled or (len(spelled) == 1 and spelled[0].isalpha() and len(spelled[0]) <= 3)
