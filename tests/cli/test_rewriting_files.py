"""Which documents a call means, and where what becomes of them goes."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from workplace import Result, Workplace, assert_fails

BIASED = "The chairman spoke.\n"
CLEAN = "The chair spoke.\n"
NEUTRAL = "Ice melts at 0 degrees.\n"


def found(result: Result) -> list[str]:
    """Return the names of the documents with findings."""
    return sorted({line.split(":")[0] for line in result.stdout.decode().splitlines() if ": gender" in line[:60]})


def test_a_folder_means_its_documents_without_what_is_ignored_or_excluded(workplace: Workplace) -> None:
    for name in (
        "a.md",
        "sub/b.txt",
        "sub/c.py",
        "build/d.md",
        "sub/vendored/e.md",
        "node_modules/f.md",
        "sub/keep.md",
    ):
        workplace.write(name, BIASED)
    workplace.write(".gitignore", "build/\nkeep.md\n")
    workplace.write("sub/.gitignore", "!keep.md\n")
    workplace.write("srllm.toml", 'exclude = ["vendored/"]\n')
    assert found(workplace.run("rewrite", "--check", ".")) == ["a.md", "sub/b.txt", "sub/keep.md"]


def test_ignore_files_above_the_folder_count_up_to_the_root_of_the_work_tree(workplace: Workplace) -> None:
    subprocess.run(["git", "init", "-q"], cwd=workplace.folder, check=True)
    workplace.write(".gitignore", "draft-*.md\n")
    workplace.write("docs/a.md", BIASED)
    workplace.write("docs/draft-b.md", BIASED)
    assert found(workplace.run("rewrite", "--check", "docs")) == ["docs/a.md"]
    assert found(workplace.run("rewrite", "--check", "docs/draft-b.md")) == ["docs/draft-b.md"]


def test_a_pattern_that_no_shell_expanded_is_expanded(workplace: Workplace) -> None:
    for name in ("docs/a.md", "docs/sub/b.md", "docs/c.txt", "docs/[x].md"):
        workplace.write(name, BIASED)
    assert found(workplace.run("rewrite", "--check", "docs/**/*.md")) == ["docs/[x].md", "docs/a.md", "docs/sub/b.md"]
    assert found(workplace.run("rewrite", "--check", "docs/[x].md")) == ["docs/[x].md"]
    assert_fails(workplace.run("rewrite", "--check", "docs/*.rst"), "nothing matches")


def test_a_file_that_is_named_twice_or_linked_is_worked_on_once(workplace: Workplace) -> None:
    workplace.write("a.md", BIASED)
    (workplace.folder / "link.md").symlink_to("a.md")
    result = workplace.run("rewrite", "--in-place", "link.md", "a.md", "./a.md", ".")
    assert result.stderr.decode() == "1 edit in 1 of 1 document\n"
    assert (workplace.folder / "link.md").is_symlink()
    assert (workplace.folder / "a.md").read_text() == CLEAN


def test_links_that_lead_out_of_a_folder_are_left_alone(workplace: Workplace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").write_text(BIASED)
    workplace.write("docs/b.md", BIASED)
    (workplace.folder / "docs" / "link.md").symlink_to(outside / "a.md")
    (workplace.folder / "docs" / "folder").symlink_to(outside)
    (workplace.folder / "docs" / "loop").symlink_to(workplace.folder / "docs")
    workplace.run("rewrite", "--in-place", "docs")
    assert (outside / "a.md").read_text() == BIASED
    assert (workplace.folder / "docs" / "b.md").read_text() == CLEAN


def test_an_excluded_file_that_is_named_comes_back_as_it_is(workplace: Workplace) -> None:
    workplace.write("vendored/a.md", BIASED)
    workplace.write("srllm.toml", 'exclude = ["vendored/"]\n')
    printed = workplace.run("rewrite", "vendored/a.md")
    assert printed.stdout == BIASED.encode()
    assert b"excluded" in printed.stderr
    assert workplace.run("rewrite", "--check", "vendored/a.md").returncode == 0
    named = workplace.run("rewrite", "--stdin-filename", "vendored/a.md", stdin=BIASED.encode())
    assert named.stdout == BIASED.encode()


def test_standard_input_goes_by_the_format_and_settings_of_its_name(workplace: Workplace) -> None:
    workplace.write("docs/srllm.toml", 'allow = ["chairman"]\n')
    text = b"```\nThe chairman spoke.\n```\n\nThe chairman spoke.\n"
    as_markdown = workplace.run("rewrite", "--stdin-filename", "a.md", stdin=text)
    assert as_markdown.stdout == b"```\nThe chairman spoke.\n```\n\nThe chair spoke.\n"
    assert workplace.run("rewrite", "--stdin-filename", "docs/a.md", stdin=text).stdout == text


def test_in_place_keeps_mode_mark_and_line_endings_and_leaves_clean_files_untouched(workplace: Workplace) -> None:
    path = workplace.write("a.md", b"\xef\xbb\xbf# One\r\n\r\n" + BIASED.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    neutral = workplace.write("b.md", NEUTRAL)
    before = neutral.stat()
    result = workplace.run("rewrite", "-i", "-q", "a.md", "b.md")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert path.read_bytes() == b"\xef\xbb\xbf# One\r\n\r\nThe chair spoke.\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert neutral.stat().st_ino == before.st_ino and neutral.stat().st_mtime_ns == before.st_mtime_ns
    assert sorted(file.name for file in workplace.folder.iterdir()) == ["a.md", "b.md"]


def test_a_file_that_changes_meanwhile_is_left_and_the_others_are_written(workplace: Workplace) -> None:
    workplace.write("a.md", BIASED)
    workplace.write("b.md", "The salesman left.\n")
    workplace.environment["WORD_ENGINE_SAVES"] = "a.md"
    result = workplace.run("rewrite", "-i", ".")
    assert result.returncode == 2
    assert b"a.md: changed since it was read" in result.stderr
    assert (workplace.folder / "a.md").read_text() == "newer"
    assert (workplace.folder / "b.md").read_text() == "The salesperson left.\n"


def test_output_goes_to_a_file_or_into_a_folder(workplace: Workplace) -> None:
    workplace.write("docs/a.md", BIASED)
    workplace.write("docs/sub/b.md", NEUTRAL)
    assert workplace.run("rewrite", "docs/a.md", "-o", "out.md").stdout == b""
    assert (workplace.folder / "out.md").read_text() == CLEAN
    assert stat.S_IMODE((workplace.folder / "out.md").stat().st_mode) & 0o044
    workplace.run("rewrite", "docs", "--output", "out/")
    assert (workplace.folder / "out" / "docs" / "a.md").read_text() == CLEAN
    assert (workplace.folder / "out" / "docs" / "sub" / "b.md").read_text() == NEUTRAL
    workplace.run("rewrite", "docs", "--format", "jsonl", "--output", "findings.jsonl")
    assert (workplace.folder / "findings.jsonl").read_text().startswith('{"path": "docs/a.md", "line": 1')
    assert (workplace.folder / "docs" / "a.md").read_text() == BIASED
    assert_fails(workplace.run("rewrite", "docs", "--output", "out.md"), "cannot go into one file")


def test_a_diff_of_files_with_marks_blanks_and_other_line_endings_applies_with_git(workplace: Workplace) -> None:
    contents = {
        "a.md": b"\xef\xbb\xbf" + BIASED.encode(),
        "with blanks.md": BIASED.replace("\n", "\r\n").encode(),
        "sub/ünï.txt": b"The chairman spoke",
    }
    for name, content in contents.items():
        workplace.write(name, content)
    diff = workplace.run("rewrite", "--diff", *contents, "./sub")
    assert diff.returncode == 0
    checked = workplace.run("rewrite", "--diff", "--check", *contents)
    assert (checked.returncode, checked.stdout) == (1, diff.stdout)
    subprocess.run(["git", "apply", "-"], input=diff.stdout, cwd=workplace.folder, check=True)
    for name, content in contents.items():
        assert (workplace.folder / name).read_bytes() == content.replace(b"chairman", b"chair")


def test_a_folder_is_not_printed(workplace: Workplace) -> None:
    workplace.write("docs/a.md", BIASED)
    assert_fails(workplace.run("rewrite", "docs"), "folder")
    (workplace.folder / "empty").mkdir()
    assert_fails(workplace.run("rewrite", "--check", "empty"), "no documents")


@pytest.mark.parametrize(
    "arguments",
    [["--diff", "--in-place"], ["--check", "--in-place"], ["--diff", "--format", "json"], ["-i", "--output", "x"]],
)
def test_options_that_contradict_each_other_are_an_error(workplace: Workplace, arguments: list[str]) -> None:
    workplace.write("a.md", BIASED)
    assert_fails(workplace.run("rewrite", "a.md", *arguments), "exclude each other")


def test_a_call_of_switches_and_names_means_what_the_full_parser_makes_of_it(workplace: Workplace) -> None:
    """The short way past the parser (an empty option sends a call through it) changes nothing."""
    workplace.write("a.md", BIASED)
    for switches in (["--check"], ["--diff"], ["-q", "--check"], ["-v"], ["--diff", "--quiet", "--check"]):
        short = workplace.run("rewrite", *switches, "a.md")
        full = workplace.run("rewrite", *switches, "--format", "text", "a.md")
        assert (short.returncode, short.stdout, short.stderr) == (full.returncode, full.stdout, full.stderr)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("b.ipynb", '{"cells": [', "b.ipynb: not valid JSON at line 1, column 12: "),
        ("b.po", "Hello there\n", "b.po: not a gettext catalogue: Syntax error in po file (line 1)"),
        ("b.csv", "id,note\n1,x\n", "b.csv: no column text; there are id, note"),
        ("b.jsonl", '{"text": "The chairman spoke."\n', "b.jsonl: not valid JSON at line 1, column 31: "),
    ],
)
def test_a_document_that_breaks_its_format_is_named_and_the_others_are_done(
    workplace: Workplace, name: str, content: str, message: str
) -> None:
    broken = workplace.write(name, content)
    workplace.write("a.md", BIASED)
    workplace.write("c.md", BIASED)
    alone = workplace.run("rewrite", "--field", "text", name)
    assert_fails(alone, message)
    together = workplace.run("rewrite", "--field", "text", "--in-place", "a.md", name, "c.md")
    assert together.returncode == 2
    assert message in together.stderr.decode()
    assert "2 edits in 2 of 2 documents" in together.stderr.decode()
    assert [(workplace.folder / n).read_text() for n in ("a.md", name, "c.md")] == [CLEAN, content, CLEAN]
    assert broken.read_text() == content
    checked = workplace.run("rewrite", "--field", "text", "--check", name, "c.md")
    assert checked.returncode == 2
    assert checked.stdout == b""  # c.md is clean by now
