"""Hypothesis strategies for reStructuredText documents, put together from fragments."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

_WORDS = """
chairman The old man a nurse é naïve Zoë's 1986 1. a. (i) #. - + and/or 日本 end. well, (aside) : :: .. = == --- | * `
_ \\ \\* \\§man he/she e.g. -x >>> http://example.com/x_y you@example.com "the§man" ref_ ref__ `ref§man`_ `man`__
`Link§man§<http://x.org>`_ *old§man* **old§man** *a**b* ``code§man`` :doc:`man§page` `man`:sub: `man` |sub| [1]_ [#]_
[CIT]_ _`target` *man "*man* * a* x*y* (*man*) a:`b` `a`:b ``a` __init__ snake_case -- … [man] {x} :man: ::man
""".split()  # noqa: SIM905
_LINE = st.lists(st.sampled_from([item.replace("§", " ") for item in _WORDS]), min_size=1, max_size=7).map(" ".join)
_LINES = st.lists(_LINE, min_size=1, max_size=3)


def _titled(sign: str, extra: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: [lines[0], sign * max(len(lines[0]) + extra, 1), *lines[1:]]


def _under(head: str, indent: str = "   ") -> Callable[[list[str]], list[str]]:
    return lambda lines: [head, "", *(indent + line for line in lines)]


_BLOCKS: list[Callable[[list[str]], list[str]]] = [
    lambda lines: lines,
    lambda lines: lines,
    _titled("=", 0),
    _titled("-", 3),
    _titled("~", -1),
    lambda lines: ["=" * 60, lines[0], "=" * 60],
    lambda lines: [lines[0] + "::", "", *("   " + line for line in lines)],
    lambda lines: ["::", "", *("   " + line for line in lines)],
    _under(".. note::"),
    _under(".. versionadded:: 3.2 The man"),
    _under(".. code-block:: man"),
    _under(".. unknown:thing:: man"),
    _under(".. figure:: man.png\n   :alt: man"),
    _under(".. |sub| replace:: the man"),
    _under(".."),
    lambda lines: [".. note:: " + lines[0], *("   " + line for line in lines[1:])],
    lambda lines: [".. list-table:: Men", "   :header-rows: 1", "", "   * - " + lines[0], "     - " + lines[-1]],
    lambda lines: [".. _ref: http://x.org/man", ".. [1] " + lines[0]],
    lambda lines: ["term man", *("    " + line for line in lines)],
    lambda lines: [":param man: " + lines[0], *("    " + line for line in lines[1:])],
    lambda lines: ["| " + line for line in lines],
    lambda lines: [">>> man", "man"],
    lambda lines: ["====  ====", "man   a", "====  ====", "b     man", "====  ===="],
    lambda lines: ["+-----+", "| man |", "+-----+"],
    lambda lines: ["-x man  " + lines[0]],
    lambda lines: ["----"],
]


def _item(marker: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [marker + lines[0], *(" " * len(marker) + line for line in lines[1:])]


_CONTAINERS: list[Callable[[list[str]], list[str]]] = [
    *map(_item, ["- ", "* ", "1. ", "#. ", "(a) ", "   ", "\t"]),
    _under(".. warning::"),
]
_BLOCK = st.tuples(st.sampled_from(_BLOCKS), _LINES, st.lists(st.sampled_from(_CONTAINERS), max_size=2), st.booleans())


def _assemble(parts: list[tuple[Callable[..., list[str]], list[str], list[Callable[..., list[str]]], bool]]) -> str:
    lines: list[str] = []
    for block, content, containers, close in parts:
        block_lines = "\n".join(block(content)).split("\n")
        for container in containers:
            block_lines = "\n".join(container(block_lines)).split("\n")
        lines += block_lines if close else [*block_lines, ""]
    return "\n".join(lines)


_SIGNS = st.text(alphabet="ab 1. \n\n\t*_`[]<>\\|#-+=:\"'()", max_size=60)

#: Documents of every line ending, some of them without a last one.
RST_DOCUMENTS = st.tuples(
    st.one_of(*[st.lists(_BLOCK, min_size=1, max_size=4).map(_assemble)] * 3, _SIGNS),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n", "\n\n"]),
).map(lambda drawn: (drawn[0] + drawn[2]).replace("\n", drawn[1]))
