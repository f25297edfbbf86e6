"""Results that are kept: unchanged text needs no model, whatever runs beside it or happened to the store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from workplace import Workplace

TEXT = "The chairman spoke.\n\nIce melts at 0 degrees.\n\nThe house burned down.\n"
LOADS_NOTHING = (
    "import sys\nfrom srllm_cli.cli import main\n"
    "try:\n    main()\nfinally:\n"
    "    print(sorted({'llama_cpp', 'numpy', 'typer', 'markdown_it', 'rich'} & set(sys.modules)), file=sys.stderr)"
)


def store(workplace: Workplace) -> Path:
    (path,) = Path(workplace.environment["SRLLM_CACHE_DIR"]).glob("results-*.sqlite")
    return path


def test_unchanged_text_loads_neither_model_nor_parser(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    first = workplace.run("rewrite", "--check", "a.md")
    assert "loaded" in workplace.log()
    # This time the real engine stands ready: nothing asks for it.
    command = [sys.executable, "-c", LOADS_NOTHING, "rewrite", "--check", "a.md"]
    again = subprocess.run(command, cwd=workplace.folder, env=workplace.environment, capture_output=True, check=False)
    assert (again.returncode, again.stdout) == (1, first.stdout)
    assert again.stderr.decode().splitlines()[-1] == "[]"


def test_of_a_changed_document_only_the_changed_passage_is_shown_to_the_model(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    workplace.run("rewrite", "--check", "a.md")
    workplace.log()
    workplace.write("a.md", TEXT.replace("burned down", "burnt down") + "\n")
    workplace.run("rewrite", "--check", "a.md")
    assert workplace.log() == ["loaded", "scored The house burnt down."]
    workplace.write("a.md", TEXT.partition("\n\nThe house")[0] + "\n\nThe house burnt down.\n")
    assert workplace.run("rewrite", "a.md").stdout.startswith(b"The chair spoke.\n\nIce")


def test_what_a_result_depends_on_is_part_of_its_key(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    workplace.run("rewrite", "--check", "a.md")
    workplace.log()
    for other in (["--threshold", "0.95"], ["--model", "other.gguf"], ["--gpu-layers", "0"]):
        workplace.run("rewrite", "--check", "a.md", *other)
        assert "loaded" in workplace.log(), other
    # Terms decide what is made of a result; no model is asked again.
    assert workplace.run("rewrite", "--check", "a.md", "--allow", "guru", "--deny", "ninja").returncode == 1
    assert workplace.run("rewrite", "--check", "a.md", "--allow", "chairman").returncode == 0
    assert workplace.log() == []
    workplace.run("rewrite", "--check", "--no-cache", "a.md")
    assert "loaded" in workplace.log()


def test_a_broken_store_is_begun_anew(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    expected = workplace.run("rewrite", "--check", "-q", "a.md")
    path = store(workplace)
    for broken in (b"no database " * 400, path.read_bytes()[:5000], b""):
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(broken)
        for _ in range(2):
            result = workplace.run("rewrite", "--check", "-q", "a.md")
            assert (result.returncode, result.stdout, result.stderr) == (1, expected.stdout, b"")
    workplace.log()
    workplace.run("rewrite", "--check", "-q", "a.md")
    assert workplace.log() == []


def test_a_store_that_cannot_be_made_is_told_and_done_without(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    workplace.environment["SRLLM_CACHE_DIR"] = str(workplace.write("no-folder", "x"))
    result = workplace.run("rewrite", "a.md")
    assert (result.returncode, result.stdout) == (0, TEXT.replace("chairman", "chair").encode())
    assert b"warning" in result.stderr and b"--no-cache" not in result.stdout


def test_processes_side_by_side_share_the_store(workplace: Workplace) -> None:
    for number in range(6):
        workplace.write(f"{number}.md", f"{TEXT}\nLine {number}.\n")
    processes = [
        subprocess.Popen(
            workplace.command("rewrite", "--check", "-q", "."),
            cwd=workplace.folder,
            env=workplace.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(5)
    ]
    results = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [1] * 5
    assert {error for _, error in results} == {b""}
    assert len({out for out, _ in results}) == 1


def test_the_store_is_shown_pruned_and_cleared(workplace: Workplace) -> None:
    workplace.write("a.md", TEXT)
    workplace.run("rewrite", "--check", "a.md")
    shown = workplace.run("cache").stdout.decode()
    assert shown.startswith("results  4 in ")  # three passages and the document
    assert os.fspath(store(workplace)) in shown
    assert workplace.run("cache", "prune", "--days", "1").stdout == b"0 results removed\n"
    assert workplace.run("cache", "clear").stdout == b"4 results removed\n"
    assert workplace.run("cache").stdout.decode().startswith("results  0 in ")
