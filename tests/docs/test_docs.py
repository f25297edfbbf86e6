"""What the documentation says can be done: every command and every program in it runs, every link leads somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srllm_cli.training.pairs import read_pairs
from srllm_cli.training.splits import SPLITS, split_pairs

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "data" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
#: Set-up commands: the gate itself runs the first, the others are a system's own.
_SET_UP = re.compile(r"^(make|pip|apt|brew|xcode-select|npm|git|CMAKE_ARGS=\S+ pip)\b")


def blocks(language: str) -> list[tuple[Path, str]]:
    found = [(page, match) for page in PAGES for match in _BLOCK.findall(page.read_text(encoding="utf-8"))]
    return [(page, code) for page, (kind, code) in found if kind == language]


def name(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value).strip().splitlines()[0][:50]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the repository's root, with the example, two documents, and a handful of pairs of each split."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "report.md").write_text("# Report\n\nThe chairman spoke for an hour.\n", encoding="utf-8")
    (folder / "mail.txt").write_text("The girls at the desk will help you.\n", encoding="utf-8")
    split = split_pairs(read_pairs([ROOT / "data" / "pairs"]))
    pairs = folder / "data" / "pairs"
    pairs.mkdir(parents=True)
    chosen = [pair for part in SPLITS for pair in split.named(part)[:12]]
    (pairs / "few.jsonl").write_text("".join(pair.model_dump_json() + "\n" for pair in chosen), encoding="utf-8")
    return folder


def run(command: list[str], workspace: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        command,
        cwd=workspace,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    # 1 is an answer too: --check found something.
    assert result.returncode in (0, 1), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("page", "code"), blocks("sh"), ids=name)
def test_every_command_runs(page: Path, code: str, workspace: Path) -> None:
    joined = code.replace("\\\n", " ")
    for line in joined.splitlines():
        if line.strip() and not line.startswith("#") and not _SET_UP.match(line):
            run(["bash", "-o", "pipefail", "-c", line], workspace)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "code"), blocks("python"), ids=name)
def test_every_program_runs(page: Path, code: str, workspace: Path) -> None:
    run([sys.executable, "-c", code], workspace)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "#", "mailto:")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_no_placeholder_is_left_in_the_documentation() -> None:
    assert [name(page) for page in PAGES if re.search("@@[A-Z]+@@", page.read_text(encoding="utf-8"))] == []


def test_readme_names_the_two_commands_that_set_everything_up() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in text
        assert re.search(rf"^{target}:", makefile, re.M)
