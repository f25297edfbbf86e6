"""Settings, terms and baselines as they act on documents."""

from __future__ import annotations

import json

from workplace import Workplace, assert_fails

BIASED = "The chairman spoke.\n"


def test_what_is_in_force_is_shown_with_its_origin(workplace: Workplace) -> None:
    workplace.write("srllm.toml", 'threshold = 0.4\nallow = ["master"]\n')
    (workplace.folder / "docs").mkdir()
    workplace.environment["SRLLM_MODEL"] = "mine.gguf"
    lines = workplace.run("config", "docs").stdout.decode().splitlines()
    assert "threshold        0.4          srllm.toml" in lines
    assert 'allow            ["master"]   srllm.toml' in lines
    assert 'model            "mine.gguf"  SRLLM_MODEL' in lines
    assert "gpu-layers       -1           default" in lines


def test_an_unknown_key_is_an_error_that_names_the_nearest(workplace: Workplace) -> None:
    workplace.write("pyproject.toml", "[tool.srllm]\ntreshold = 0.4\n")
    workplace.write("a.md", BIASED)
    for call in (["rewrite", "a.md"], ["config"]):
        result = workplace.run(*call)
        assert_fails(result, "pyproject.toml [tool.srllm]: unknown key 'treshold': did you mean 'threshold'?")


def test_each_document_goes_by_the_settings_nearest_to_it(workplace: Workplace) -> None:
    for name in ("a.md", "legal/b.md", "legal/old/c.md"):
        workplace.write(name, BIASED)
    workplace.write("legal/srllm.toml", 'threshold = 1.0\n[[overrides]]\nfiles = ["old/"]\nthreshold = 0.5\n')
    workplace.run("rewrite", "-i", ".")
    changed = [n for n in ("a.md", "legal/b.md", "legal/old/c.md") if (workplace.folder / n).read_text() != BIASED]
    assert changed == ["a.md", "legal/old/c.md"]


def test_an_allowed_term_stays_and_a_sentence_with_more_against_it_needs_review(workplace: Workplace) -> None:
    workplace.write("srllm.toml", 'allow = ["Chairman"]\n')
    text = "The chairman spoke.\n\nThe chairman manned the desk.\n\nThe hopeless chairman.\n\nHe manned it.\n"
    workplace.write("a.md", text)
    result = workplace.run("rewrite", "--check", "--format", "jsonl", "a.md")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["line"], row["original"], row["status"]) for row in rows] == [
        (3, "The chairman manned the desk.", "needs_review"),
        (7, "manned", "rewritten"),
    ]
    assert workplace.run("rewrite", "a.md").stdout.decode() == text.replace("He manned", "He staffed")


def test_a_denied_term_is_reported_wherever_prose_holds_it(workplace: Workplace) -> None:
    workplace.write("a.md", "Ask our guru, the `guru` tool, or\nthe [Guru](https://guru.example).\n")
    result = workplace.run("rewrite", "--format", "jsonl", "--check", "--deny", "guru", "a.md")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["line"], row["original"], row["dimension"]) for row in rows] == [
        (1, "guru", "denied_term"),
        (2, "Guru", "denied_term"),
    ]
    assert result.returncode == 1
    assert all(row["status"] == "needs_review" and row["score"] is None for row in rows)


def test_dimensions_that_are_left_alone_change_nothing(workplace: Workplace) -> None:
    text = f"{BIASED}\nThe salesman left.\n"
    workplace.write("a.md", text)
    only = workplace.run("rewrite", "a.md", "--dimension", "occupation").stdout.decode()
    assert only == text.replace("salesman", "salesperson")
    skipped = workplace.run("rewrite", "a.md", "--skip-dimension", "occupation").stdout.decode()
    assert skipped == text.replace("chairman", "chair")
    assert_fails(workplace.run("rewrite", "a.md", "--dimension", "genders"), "did you mean 'gender'?")


def test_a_baseline_lets_old_findings_be_wherever_they_move(workplace: Workplace) -> None:
    workplace.write("docs/a.md", f"{BIASED}\nIt is hopeless.\n")
    written = workplace.run("rewrite", "docs", "--write-baseline", "known.json")
    assert (written.returncode, written.stdout) == (0, b"")
    rows = json.loads((workplace.folder / "known.json").read_text())["findings"]
    assert rows == [
        {"path": "docs/a.md", "sentence": "It is hopeless.", "count": 1},
        {"path": "docs/a.md", "sentence": "The chairman spoke.", "count": 1},
    ]
    clean = workplace.run("rewrite", "--check", "--baseline", "known.json", "docs")
    assert (clean.returncode, clean.stdout) == (0, b"")
    assert b"2 findings left out by the baseline" in clean.stderr

    workplace.write("srllm.toml", 'baseline = "known.json"\n')
    workplace.write("docs/a.md", "Ice melts.\n\nIt is\nhopeless.\n\nThe  chairman\nspoke.\n\nThe salesman left.\n")
    moved = workplace.run("rewrite", "--check", "docs")
    assert moved.returncode == 1
    assert moved.stdout.startswith(b"docs/a.md:9:5: occupation")
    assert moved.stdout.count(b"docs/a.md") == 1
    # A second one of the same is new, and in place nothing known is touched.
    workplace.write("docs/a.md", f"{BIASED}\n{BIASED}")
    workplace.run("rewrite", "-i", "docs")
    assert (workplace.folder / "docs" / "a.md").read_text() == f"{BIASED}\nThe chair spoke.\n"
    workplace.run("rewrite", "-i", "docs", "--baseline", "")
    assert (workplace.folder / "docs" / "a.md").read_text() == "The chair spoke.\n\nThe chair spoke.\n"


def test_a_baseline_that_is_missing_or_broken_is_an_error_before_any_work(workplace: Workplace) -> None:
    workplace.write("a.md", BIASED)
    workplace.write("broken.json", "[]")
    for name, message in (("none.json", "no such baseline"), ("broken.json", "is no baseline")):
        assert_fails(workplace.run("rewrite", "-i", "--baseline", name, "a.md"), message)
    assert workplace.log() == []
    assert (workplace.folder / "a.md").read_text() == BIASED
