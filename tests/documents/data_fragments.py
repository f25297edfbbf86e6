"""Hypothesis strategies for files of data that hold prose: what they say, and ways to write it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

_WORDS = """
chairman The old man a nurse é naïve 日本 🙂 1986 end. well, "the§man§said§so" "man" \\ \\n / & < ; | , ' # - *man*
`man` %s %(man)s %d%% {man} {} <b>man</b> :ref:`man` 100§% man\tman man\nman \n\n " “man” he/she &File \\" \x0b \u2028
""".strip().split(" ")
PROSE = st.lists(st.sampled_from([*(word.replace("§", " ") for word in _WORDS), "man", "The man"]), max_size=9).map(
    " ".join
)


def json_text(value: Any, ascii_only: bool, indent: int | None, newline: str) -> str:
    """A JSON text; tabs for an indent of -1."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent="\t" if indent == -1 else indent)
    return text.replace("/", "\\/").replace("\n", newline) if indent == 4 else text.replace("\n", newline)


WRITING = st.tuples(st.booleans(), st.sampled_from([None, 1, 4, -1]), st.sampled_from(["\n", "\r\n"]))
