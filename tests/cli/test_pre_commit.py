"""The hooks, run by the real pre-commit on a real Git repository."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pre_commit.clientlib import load_manifest
from workplace import Workplace

FILES = {"a.md": "The chairman spoke.\n", "b.txt": "Ice melts.\n", "c.py": "chairman = 1\n"}


def hooks(root: Path) -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in load_manifest(str(root / ".pre-commit-hooks.yaml"))}


def test_the_manifest_is_valid_and_calls_commands_that_exist(root: Path, workplace: Workplace) -> None:
    assert set(hooks(root)) == {"srllm-check", "srllm-rewrite"}
    workplace.write("a.md", "Ice melts.\n")
    for hook in hooks(root).values():
        program, *arguments = shlex.split(hook["entry"])
        assert program == "srllm"
        assert workplace.run(*arguments, "a.md").returncode == 0


@pytest.fixture
def repository(root: Path, workplace: Workplace) -> Workplace:
    """A repository with both hooks: the manifest's own, but run with this Python, not in an environment of theirs."""
    local = []
    for hook in hooks(root).values():
        entry = shlex.join(workplace.command(*shlex.split(hook["entry"])[1:]))
        kept = {key: hook[key] for key in ("id", "name", "types_or", "require_serial")}
        local.append({**kept, "entry": entry, "language": "system"})
    workplace.write(".pre-commit-config.yaml", yaml.safe_dump({"repos": [{"repo": "local", "hooks": local}]}))
    for name, content in FILES.items():
        workplace.write(name, content)
    workplace.environment["PRE_COMMIT_HOME"] = str(workplace.folder.parent / "pre-commit")
    git(workplace, "init", "-q")
    git(workplace, "add", ".")
    return workplace


def git(workplace: Workplace, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=workplace.folder, env=workplace.environment, check=True)


def pre_commit(workplace: Workplace, hook: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pre_commit", "run", hook, "--color=never"]
    path = os.pathsep.join([str(Path(sys.executable).parent), workplace.environment["PATH"]])
    environment = {**workplace.environment, "PATH": path}
    return subprocess.run(
        command, cwd=workplace.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_checking_fails_the_commit_and_shows_the_finding(repository: Workplace) -> None:
    result = pre_commit(repository, "srllm-check")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "a.md:1:5: gender" in result.stdout
    assert "c.py" not in result.stdout
    assert (repository.folder / "a.md").read_text() == FILES["a.md"]


def test_rewriting_fails_once_and_passes_when_the_rewrite_is_staged(repository: Workplace) -> None:
    first = pre_commit(repository, "srllm-rewrite")
    assert first.returncode == 1, first.stdout + first.stderr
    assert "files were modified by this hook" in first.stdout
    assert (repository.folder / "a.md").read_text() == "The chair spoke.\n"
    assert (repository.folder / "c.py").read_text() == FILES["c.py"]
    git(repository, "add", ".")
    for hook in ("srllm-rewrite", "srllm-check"):
        again = pre_commit(repository, hook)
        assert again.returncode == 0, again.stdout + again.stderr
