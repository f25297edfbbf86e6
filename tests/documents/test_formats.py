from __future__ import annotations

import subprocess
import sys

import pytest

from srllm_cli.documents import FORMATS, format_of, passages

HEAVY = ["docutils", "polib", "tree_sitter", "markdown_it", "html.parser", "csv"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.md", "markdown"),
        ("A.MD", "markdown"),
        ("a.mdx", "mdx"),
        ("a.rst", "rst"),
        ("a.adoc", "asciidoc"),
        ("a.htm", "html"),
        ("a.ipynb", "notebook"),
        ("a.po", "po"),
        ("a.tsv", "csv"),
        ("a.jsonl", "jsonl"),
        ("a.pyi", "python"),
        ("a.tsx", "tsx"),
        ("dir.md/a", "plain"),
        ("-", "plain"),
        ("a.txt", "plain"),
    ],
)
def test_the_suffix_tells_the_format(name: str, expected: str) -> None:
    assert format_of(name) == expected
    assert expected in FORMATS


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown format"):
        passages("x", "docx")


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in ("csv", "jsonl", "notebook")])
def test_every_format_takes_an_empty_document(format: str) -> None:
    assert passages("", format, comments=True) == []


@pytest.mark.parametrize(("format", "needed"), [("plain", []), ("markdown", ["markdown_it"])])
def test_a_parser_is_imported_for_its_own_format_only(format: str, needed: list[str]) -> None:
    program = (
        "import sys; from srllm_cli.documents import passages; before = set(sys.modules); "
        f"passages('The man', {format!r}); print(*[m for m in {HEAVY!r} if m in sys.modules and m not in before])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == needed


def test_importing_the_room_imports_no_parser() -> None:
    program = f"import sys; import srllm_cli.documents; print(*[m for m in {HEAVY[:4]!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
