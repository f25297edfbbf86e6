"""Help, completion and progress: what surrounds the work."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from workplace import Workplace

from srllm_cli.commands.app import COMMANDS
from srllm_cli.commands.progress import WorkProgress
from srllm_cli.commands.running import SWITCHES, Wanted, plain_call


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_helps_with_examples(workplace: Workplace, name: str) -> None:
    result = workplace.run(name, "--help")
    text = " ".join(result.stdout.decode().split())
    assert result.returncode == 0
    assert "Example" in text and f"srllm {name}" in text


def test_the_commands_are_listed(workplace: Workplace) -> None:
    listed = workplace.run("--help").stdout.decode()
    assert all(f" {name} " in listed for name in COMMANDS)


def test_commands_and_options_are_completed(workplace: Workplace) -> None:
    for words, expected in (
        ("srllm re", "rewrite"),
        ("srllm cache pr", "prune"),
        ("srllm rewrite --inter", "--interactive"),
    ):
        environment = {
            **workplace.environment,
            **{"_SRLLM_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))},
        }
        command = [sys.executable, "-c", "from srllm_cli.cli import main; main()"]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert result.stdout.split() == [expected], result.stderr


def test_switches_past_the_parser_are_those_of_the_parser(workplace: Workplace) -> None:
    help_text = workplace.run("rewrite", "--help").stdout.decode()
    for switch, field in SWITCHES.items():
        assert switch in help_text
        assert plain_call([switch, "a.md"]) == (["a.md"], Wanted(**{field: True}))  # type: ignore[arg-type]
    for words in (
        [],
        ["--check"],
        ["-"],
        ["--", "a.md"],
        ["--format", "json", "a.md"],
        ["-iq", "a.md"],
        ["--help", "a"],
    ):
        assert plain_call(words) is None


def test_progress_is_shown_in_a_terminal_and_nowhere_else(
    workplace: Workplace, capfd: pytest.CaptureFixture[str]
) -> None:
    with WorkProgress(shown=True) as progress:
        progress.begin(2, 100)
        progress.passages_done(50, 3)
        progress.document_done(10)
    assert capfd.readouterr() == ("", "")
    workplace.write("a.md", "The chairman spoke.\n")
    us, them = pty.openpty()
    environment = {**workplace.environment, "TERM": "xterm", "COLUMNS": "100"}
    command = workplace.command("rewrite", "a.md")
    done = subprocess.run(
        command, cwd=workplace.folder, env=environment, stdout=subprocess.PIPE, stderr=them, check=True
    )
    os.close(them)
    shown = os.read(us, 65536).decode()
    os.close(us)
    assert done.stdout == b"The chair spoke.\n"
    assert "1/1 files, 1 passages" in shown


def test_quiet_shows_no_progress(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with WorkProgress(shown=False) as progress:
        progress.begin(1, 1)
        progress.message("fetching", 0.5)
        progress.passages_done(1, 1)
    assert capfd.readouterr() == ("", "")
