from __future__ import annotations

import ast

import pytest
from format_properties import (
    WORDS,
    check_any_edit,
    check_every_word,
    check_invariants,
    check_nothing_changes,
    editable,
    ordinary,
    rewritten,
    texts,
    word_edits,
)
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.debias.types import Edit
from srllm_cli.documents import passages
from srllm_cli.documents.apply import source_edits
from srllm_cli.documents.comments import comment_passages

_WORDS = """
chairman The old man a nurse é 日本 🙂 1986 end. well, `man` *man* "man" 'man' " ' \\ man() old_man {@link§man}
<b>man</b> @param§man @return :param§man: Args: x§(int): TODO: noqa type: >>>§man ... - 1. = x§=§man; ``` :: { } <pre> #
// */§ /* %s he/she Copyright eslint-disable @ :: man::old oldMan &amp; http://example.com/man srllm:
""".split()  # noqa: SIM905
_LINES = st.lists(
    st.lists(st.sampled_from([word.replace("§", " ") for word in _WORDS]), max_size=6).map(" ".join),
    min_size=1,
    max_size=4,
)


def _python(lines: list[str], kind: int) -> str:
    if kind == 0:
        return "".join(f"# {line}\n" for line in lines)
    if kind == 1:
        return f'x = "the man"  # {lines[0]}\n'
    quote = '"""' if kind == 2 else "'''"
    body = "\n    ".join(lines).replace(quote, "").replace("\\", "")
    return f"def f():\n    {quote}{body}\n    {quote}\n    return 'the man'\n"


def _slashed(lines: list[str], kind: int) -> str:
    if kind == 0:
        return "".join(f"// {line}\n" for line in lines)
    if kind == 1:
        return f"{'x;' if kind == 1 else ''} // {lines[0]}\n"
    body = [line.replace("*/", "") for line in lines]
    if kind == 2:
        return "/**\n" + "".join(f" * {line}\n" for line in body) + " */\n"
    return "/* " + "\n   ".join(body) + " */\n"


def _hashed(lines: list[str], kind: int) -> str:
    return "".join(f"# {line}\n" for line in lines) + ("x: man # the man\n" if kind == 1 else "")


_MAKERS = {"python": _python, "javascript": _slashed, "typescript": _slashed, "go": _slashed, "rust": _slashed,
           "c": _slashed, "java": _slashed, "yaml": _hashed, "shell": _hashed, "toml": _hashed}  # fmt: skip


def _file(language: str, parts: list[tuple[list[str], int]], end: str) -> tuple[str, str]:
    return language, "\n".join(_MAKERS[language](*part) for part in parts).replace("\n", end)


FILES = st.builds(
    _file,
    st.sampled_from(sorted(_MAKERS)),
    st.lists(st.tuples(_LINES, st.integers(0, 3)), min_size=1, max_size=3),
    st.sampled_from(["\n", "\r\n"]),
)


@ordinary
@given(file=FILES)
def test_edits_that_change_nothing_leave_the_file_identical(file: tuple[str, str]) -> None:
    language, source = file
    found = comment_passages(source, language)
    check_invariants(source, found)
    check_nothing_changes(source, found)


@ordinary
@given(file=FILES, make=WORDS)
def test_rewriting_every_word_keeps_the_code(file: tuple[str, str], make: str) -> None:
    language, source = file
    check_every_word(source, language, comment_passages(source, language), make)


@ordinary
@given(file=FILES, data=st.data())
def test_any_edit_is_refused_or_keeps_the_code(file: tuple[str, str], data: st.DataObject) -> None:
    language, source = file
    check_any_edit(source, language, comment_passages(source, language), data)


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("python", "#!/usr/bin/env chairman\n"),
        ("python", "# -*- coding: chairman -*-\n"),
        ("python", "x = 1  # noqa: E501 chairman\n"),
        ("python", "x = 1  # type: ignore[chairman]\n"),
        ("python", "# SPDX-License-Identifier: MIT\n# The chairman\n"),
        ("python", "# Copyright (c) 2020 The Chairman\n"),
        ("python", "# chairman = man(1)\n"),
        ("python", "# if chairman:\n#     return man\n"),
        ("python", 'x = "the chairman"\n'),
        ("python", 'def f():\n    x = 1\n    """The chairman"""\n'),
        ("python", 'f"""The chairman"""\n'),
        ("python", '"""\n>>> chairman()\nThe chairman\n"""\n'),
        ("python", '"""\n::\n\n    The chairman\n"""\n'),
        ("javascript", "// eslint-disable-next-line chairman\n"),
        ("javascript", "/* eslint no-chairman: 2 */\n"),
        ("javascript", "// @ts-ignore the chairman\n"),
        ("javascript", "/** @type {Chairman} */\n"),
        ("javascript", "/**\n * @example\n * the chairman speaks\n */\n"),
        ("javascript", "//# sourceMappingURL=chairman.js\n"),
        ("javascript", "let x = '// The chairman';\n"),
        ("go", "//go:build chairman\n"),
        ("go", "//nolint:chairman\n"),
        ("rust", "/// ```\n/// The chairman\n/// ```\nfn f() {}\n"),
        ("java", "/**\n * @author The chairman\n */\nclass A {}\n"),
        ("c", "/* SPDX-License-Identifier: MIT\n * The chairman */\n"),
        ("c", '#include "chairman.h"\n'),
        ("shell", "#!/bin/sh\n"),
        ("shell", "# shellcheck disable=SC1 chairman\n"),
        ("toml", "# 'chairman', # the chairman\n"),
        ("yaml", "key: the chairman\n"),
        ("yaml", "# key: 'the chairman'\n"),
        ("toml", "key = 'the chairman # man'\n"),
    ],
)
def test_what_is_not_prose_is_no_passage(language: str, source: str) -> None:
    assert texts(comment_passages(source, language)) == []


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        ("python", "# The man\n# is here.\n\n# A man.\n", ["The man is here.", "A man."]),
        ("python", "x = 1  # The man\ny = 2  # A man\n", ["The man", "A man"]),
        ("python", '"""The man.\n\nA man\nis here.\n"""\n', ["The man.", "A man is here."]),
        (
            "python",
            'class A:\n    """The man.\n\n    Args:\n        x (int): Old man.\n    """\n',
            ["The man.", "Old man."],
        ),
        ("python", '"""The man.\n\n:param man: The old\n    man.\n:rtype: man\n"""\n', ["The man.", "The old man."]),
        (
            "javascript",
            "/**\n * The man\n * is here.\n * @param {Man} man - A man.\n */\n",
            ["The man is here.", "A man."],
        ),
        ("typescript", "// @ts-ignore\n// The man\nlet x: string;\n", ["The man"]),
        ("tsx", "const a = <p>{/* The man */}man</p>;\n", ["The man"]),
        ("go", "// Package man is for\n// men.\npackage man\n", ["Package man is for men."]),
        ("rust", "//! The man\n\n/// A man\nfn f() {}\n", ["The man", "A man"]),
        ("java", "/** The man.\n * @return a man */ class A {}\n", ["The man.", "a man"]),
        ("c", "/* The\n   man */\nint x; // A man\n", ["The man", "A man"]),
        ("shell", "#!/bin/sh\n# The man\necho man # A man\n", ["The man", "A man"]),
        ("yaml", "# The man\nkey: man # A man\n", ["The man", "A man"]),
        ("toml", "# The man\nkey = 'man' # A man\n", ["The man", "A man"]),
    ],
)
def test_comments_read_as_paragraphs(language: str, source: str, expected: list[str]) -> None:
    assert texts(comment_passages(source, language)) == expected


def test_names_code_and_tags_are_shown_and_cannot_be_edited() -> None:
    found = comment_passages("# The man `man` of old_man and man() in oldMan.\n", "python")
    assert editable(found) == "The man | of | and | in |."


def test_without_the_option_code_has_no_passages() -> None:
    assert passages("# The man\n", "python") == []
    assert texts(passages("# The man\n", "python", comments=True)) == ["The man"]


def test_a_docstring_takes_no_mark_that_could_end_it() -> None:
    source = 'def f():\n    """The man"""\n'
    (passage,) = comment_passages(source, "python")
    assert source_edits(passage, source, Edit(4, 7, 'a "b"')) is None
    assert source_edits(passage, source, Edit(4, 7, "person's")) is not None


def test_the_code_of_a_rewritten_module_is_the_same() -> None:
    source = 'def man(x):\r\n\t"""The man\'s job."""\r\n\treturn x  # A man\'s é job'
    after = rewritten(source, comment_passages(source, "python"), lambda passage: word_edits(passage, "person"))
    assert "person" in after
    assert ast.dump(ast.parse(source).body[0].body[1]) == ast.dump(ast.parse(after).body[0].body[1])  # type: ignore[attr-defined]
