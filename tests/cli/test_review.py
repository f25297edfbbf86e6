"""``--interactive`` in a real pseudo-terminal: what a person sees, answers, and finds in the files afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from workplace import Workplace, assert_fails

TEXT = "The chairman spoke.\n\nHe *manned* the\ndesk.\n\nIt is hopeless.\n\nThe salesman left.\n"
QUESTION = re.compile(r"Rewrite this sentence \[[a-z,?]+\]\? ")


def _control() -> None:
    """Make standard input the process's controlling terminal, so that its keys are signals, and signals are heard.

    What a shell runs in the background ignores interrupts, and so do its children.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program in a pseudo-terminal: what it shows is read up to a question, answers are typed."""

    def __init__(self, command: list[str], workplace: Workplace, **environment: str) -> None:
        self._us, them = pty.openpty()
        variables = {**workplace.environment, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "120", **environment}
        self.process = subprocess.Popen(
            command,
            cwd=workplace.folder,
            env=variables,
            stdin=them,
            stdout=them,
            stderr=them,
            start_new_session=True,
            preexec_fn=_control,
        )
        os.close(them)

    def read_to(self, pattern: str | re.Pattern[str]) -> str:
        """Return what is shown up to a pattern."""
        shown, limit = "", time.monotonic() + 120
        while not re.search(pattern, shown):
            assert time.monotonic() < limit, shown
            if select.select([self._us], [], [], 1)[0]:
                shown += self._read()
        return shown

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self._us, keys.encode())

    def end(self) -> tuple[int, str]:
        """Return the exit code and what is shown up to the end."""
        shown, limit = "", time.monotonic() + 120
        while True:
            if not select.select([self._us], [], [], max(0.0, limit - time.monotonic()))[0]:
                self.process.kill()
                raise AssertionError(f"it does not end: {shown}")
            try:
                read = self._read()
            except OSError:  # the other side is closed
                read = ""
            if not read:
                break
            shown += read
        code = self.process.wait(timeout=120)
        os.close(self._us)
        return code, shown

    def _read(self) -> str:
        return os.read(self._us, 65536).decode(errors="replace").replace("\r\n", "\n")


def review(workplace: Workplace, answers: list[str], **environment: str) -> tuple[list[str], str]:
    """Give one answer a question; return what was shown before each, and at the end."""
    terminal = Terminal(workplace.command("rewrite", "--interactive", "."), workplace, **environment)
    shown = []
    for answer in answers:
        shown.append(terminal.read_to(QUESTION))
        terminal.type(f"{answer}\n")
    code, rest = terminal.end()
    assert code == 0, rest
    return shown, rest


def test_what_is_accepted_is_written_and_what_is_skipped_stays(workplace: Workplace) -> None:
    path = workplace.write("a.md", TEXT)
    shown, rest = review(workplace, ["y", "n", "n", "y"])
    assert "a.md:1:5: gender (0.90): “chairman” → “chair”" in shown[0]
    assert "^^^^^^^^" in shown[0] and "→ The chair spoke." in shown[0]
    assert "(1/4) Rewrite this sentence [y,n,e,i,a,d,q,?]? " in shown[0]
    assert "(3/4) Rewrite this sentence [n,e,i,d,q,?]? " in shown[2]  # nothing to accept: it needs review
    assert rest.endswith("1 of 1 file changed\n")
    assert path.read_text() == TEXT.replace("chairman", "chair").replace("salesman", "salesperson")


def test_a_sentence_is_edited_in_the_users_editor(workplace: Workplace, tmp_path: Path) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[-1])\n"
        "text = path.read_text()\n"
        "path.write_text({'It is hopeless.': 'It is hard.\\n', 'He *staffed* the\\ndesk.': ''}.get(text, text))\n"
    )
    path = workplace.write("a.md", TEXT)
    review(workplace, ["e", "e", "e", "n"], EDITOR=f"{sys.executable} {editor}")
    # As proposed; emptied, so left as it was; and written anew.
    assert path.read_text() == TEXT.replace("chairman", "chair").replace("hopeless", "hard")


def test_ignored_words_are_allowed_from_then_on_and_the_settings_file_keeps_its_form(workplace: Workplace) -> None:
    settings = "# Ours.\n[tool.srllm]\nallow = ['guru']  # by choice\n\n[tool.other]\nx = 1\n"
    path = workplace.write("pyproject.toml", settings)
    workplace.write("a.md", TEXT + "\nThe chairman left.\n")
    _, rest = review(workplace, ["i", "d"])
    assert "0 of 1 file changed" in rest
    assert path.read_text() == settings.replace("['guru']", "['guru', \"chairman\"]")
    left = workplace.run("rewrite", "--check", "a.md").stdout.decode()
    assert "chairman" not in left and "manned" in left


def test_words_are_ignored_in_a_new_settings_file_where_there_is_none(workplace: Workplace) -> None:
    workplace.write("sub/a.md", "The chairman spoke.\n")
    review(workplace, ["i"])
    assert (workplace.folder / "srllm.toml").read_text() == 'allow = ["chairman"]\n'


def test_the_rest_of_a_file_is_accepted_or_skipped_at_once_and_quitting_writes_what_was_accepted(
    workplace: Workplace,
) -> None:
    paths = [workplace.write(f"{name}.md", TEXT) for name in "abcd"]
    review(workplace, ["a", "d", "?", "y", "q"])
    every = TEXT.replace("chairman", "chair").replace("manned", "staffed").replace("salesman", "salesperson")
    assert [path.read_text() for path in paths] == [every, TEXT, TEXT.replace("chairman", "chair"), TEXT]


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ending_it_writes_nothing_of_the_file_at_hand_that_was_not_accepted(workplace: Workplace, key: str) -> None:
    path = workplace.write("a.md", TEXT)
    terminal = Terminal(workplace.command("rewrite", "--interactive", "a.md"), workplace)
    terminal.read_to(QUESTION)
    terminal.type(key)
    code, rest = terminal.end()
    assert code == (130 if key == "\x03" else 0)
    assert "Traceback" not in rest
    assert path.read_text() == TEXT


def test_colour_appears_in_a_terminal_unless_it_is_turned_off(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    for variables, coloured in (({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)):
        code, shown = Terminal(workplace.command("rewrite", "--diff", "-q", "a.md"), workplace, **variables).end()
        assert (code, "\x1b[32m+The chair" in shown) == (0, coloured)


def test_without_a_terminal_there_is_nobody_to_ask(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    assert_fails(workplace.run("rewrite", "--interactive", "a.md"), "needs a terminal")
    assert_fails(workplace.run("rewrite", "--interactive"), "needs files")
    assert workplace.log() == []
