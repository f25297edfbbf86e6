"""Hypothesis strategies for Markdown documents: put together from fragments, and of mere signs.

Flat on purpose: few draws for a document keep thousands of examples quick.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

_WORDS = """
chairman The old man a nurse é naïve Zoë's 1986 1. 14) and/or C3PO 日本 end. well, (aside) - + = # > : ! he/she e.g. —
🙂 ---- === ::: | ~~~ [x]
""".split()  # noqa: SIM905
_INLINES = """
`code` ``co`de`` `a§b` ![alt§text](i.png) <http://example.com> <br> <!--§note§--> [ref] [other§ref][] [^1] &amp; &nbsp;
& \\* \\ * _ snake_case $x_1$ $5 {{§x§}} http://example.com/x_y. you@example.com a|b \\| ` [ ] < ![ ]( ^ C:\\temp
[nowhere] [[wiki]] ](x) ** __init__ " ’ *old§man* **old§man** _man_ ***man*** *old§**man*** __a§`b`§man__ ~~a~~
[old§man](http://example.com/a_b) [*man*§x](</a§b>§"a§title") [man][ref] [man§x][Other§Ref] <b>old§man</b>
<span§class='x'>man</span> <code>§man</code> <kbd>x "the§old§man§said" “the§old§man§said” ‘the§old§man’s§said’ "man"
**The§man.** *man*. (*man*) a*b*c x<sub>2</sub> **man, _man_§man§_man_ [a](b)[c](d) **a**_b_ <q>the§man</q> $a
""".split()  # noqa: SIM905
INLINES = st.sampled_from([*_WORDS * 3, "\t", "x" * 40, *(item.replace("§", " ") for item in _INLINES)])
_LINE = st.lists(INLINES, min_size=1, max_size=7).map(" ".join)
_TAILS = st.sampled_from(["", "", "", "", " ", "  ", "\\", "\t", " ##"])
_LINES = st.lists(st.tuples(_LINE, _TAILS).map("".join), min_size=1, max_size=4)


def _table(lines: list[str]) -> list[str]:
    return [f"| {lines[0]} | {lines[-1]} |", "|---|:-:|", *(f"|{line}|  man \\| x |" for line in lines)]


def _bare_table(lines: list[str]) -> list[str]:
    return [f"{lines[0]} | {lines[-1]}", "--- | ---", *(f"{line} | " for line in lines)]


_BLOCKS: list[Callable[[list[str]], list[str]]] = [
    lambda lines: lines,
    lambda lines: lines,
    lambda lines: lines,
    lambda lines: ["## " + lines[0], *lines[1:]],
    lambda lines: ["# " + lines[0] + " #", ""],
    lambda lines: [*lines, "==="],
    lambda lines: [*lines, "---"],
    lambda lines: [*lines, "-"],
    _table,
    _bare_table,
    lambda lines: ["```py", *lines, "```"],
    lambda lines: ["~~~", *lines, "~~~"],
    lambda lines: ["", *("    " + line for line in lines), ""],
    lambda lines: ["<div>", *lines, "</div>", ""],
    lambda lines: ["<!-- " + lines[0], "more -->"],
    lambda lines: ["[!NOTE]", *lines],
    lambda lines: ["::: tip", *lines, ":::"],
    lambda lines: ["```{note}", ":class: man", *lines, "```"],
    lambda lines: ["!!! note 'man'", "", *("    " + line for line in lines), ""],
    lambda lines: ["$$", "x^2", "$$", *lines],
    lambda lines: ["[ref]: http://example.com 'The man'", *lines],
    lambda lines: ["", "[other ref]: <x y>", ""],
    lambda lines: ["", "[^1]: A note", *("    " + line for line in lines), ""],
    lambda lines: ["***"],
    lambda lines: ["", ""],
]


def _item(marker: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [marker + lines[0], *(" " * len(marker) + line for line in lines[1:])]


_CONTAINERS: list[Callable[[list[str]], list[str]]] = [
    lambda lines: ["> " + line for line in lines],
    lambda lines: [">" + line for line in lines],
    lambda lines: ["> " + lines[0], *lines[1:]],
    lambda lines: [*lines, ""],
    lambda lines: ["", *lines, ""],
    *map(_item, ["- ", "* ", "1. ", "10) ", "-   ", "- [ ] ", "+\t"]),
]
_BLOCK = st.tuples(st.sampled_from(_BLOCKS), _LINES, st.lists(st.sampled_from(_CONTAINERS), max_size=3), st.booleans())


def _assemble(
    parts: list[tuple[Callable[[list[str]], list[str]], list[str], list[Callable[..., list[str]]], bool]],
) -> str:
    lines: list[str] = []
    for block, content, containers, spaced in parts:
        block_lines = block(content)
        for container in containers:
            block_lines = container(block_lines)
        lines += [*block_lines, ""] if spaced else block_lines
    return "\n".join(lines)


_BUILT = st.tuples(
    st.sampled_from(["", "", "", "---\ntitle: The man\n---\n", "+++\na = 'The man'\n+++\n", "---\n"]),
    st.lists(_BLOCK, min_size=1, max_size=4).map(_assemble),
).map("".join)
_SIGNS = st.text(alphabet="ab C1. \n\n\t*_`[]()<>!\\|#-+=~&$:^\"'", max_size=60)

#: Documents of every line ending, some of them without a last one.
DOCUMENTS = st.tuples(
    st.one_of(_BUILT, _BUILT, _BUILT, _SIGNS),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n", "\n\n"]),
).map(lambda drawn: (drawn[0] + drawn[2]).replace("\n", drawn[1]))
