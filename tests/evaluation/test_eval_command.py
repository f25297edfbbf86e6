from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from srllm_cli.debias.types import Rewrite, ScoredPassage
from srllm_cli.errors import DataError
from srllm_cli.evaluation import command, systems
from srllm_cli.evaluation.command import app
from srllm_cli.evaluation.evaluate import evaluate
from srllm_cli.evaluation.options import EvalOptions, SplitName


class Chairs:
    """Stands for a loaded model: replaces a word, and scores by it."""

    def rewrite_all(self, texts: Iterable[str], format: str = "plain") -> Iterator[Rewrite]:
        for text in texts:
            passage = ScoredPassage(0, len(text), 0.9 if "chairman" in text else 0.1)
            yield Rewrite(text.replace("chairman", "chair"), (), (passage,))

    def close(self) -> None:
        pass


NOUNS = ("lock", "ferry", "orchard", "bridge", "choir", "museum", "quarry", "tram", "library", "mill", "pier", "moor")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two hundred records, different enough to be no near-duplicates, so that every split has some."""
    rows = []
    for number in range(200):
        one, other = NOUNS[number % 12], NOUNS[(number // 12) % 12]
        tail = f"about {one}{number} and {other}{number + 7} at {number} past {one}{other}{number}."
        row = {"id": f"t-{number + 1:04}", "keep": [f"{one}{number}"], "domain": "news"}
        if number % 2:
            row |= {"biased_text": f"A reader asked {tail}", "debiased_text": f"A reader asked {tail}"}
            row |= {"label": "neutral", "dimension": "none", "biased_spans": []}
        else:
            row |= {"biased_text": f"The chairman spoke {tail}", "debiased_text": f"The chair spoke {tail}"}
            row |= {"label": "biased", "dimension": "gender", "biased_spans": ["chairman"]}
        rows.append(row)
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def options(pairs: Path, **changes) -> EvalOptions:
    settings = {
        "data": (pairs,),
        "models": (),
        "systems": ("identity", "wordlist"),
        "records": pairs.parent / "records",
    }
    return EvalOptions(**(settings | changes))


def test_the_word_list_is_learnt_from_training_pairs_and_cleans_validation(pairs: Path) -> None:
    report = evaluate(options(pairs))
    identity, word_list = report.systems
    assert identity.sets["pairs"].overall["clean"].value == 0.0
    assert word_list.sets["pairs"].overall["clean"].value == 1.0
    assert word_list.sets["pairs"].overall["untouched"].value == 1.0
    assert report.setting.split == "validation"
    assert not report.setting.test_split_opened


def test_splits_share_no_record_and_the_test_split_is_opened_by_name(pairs: Path) -> None:
    reports = {name: evaluate(options(pairs, split=name)) for name in SplitName}
    ids = {name: {r.text.id for r in report.systems[0].records["pairs"]} for name, report in reports.items()}
    assert len(set.union(*ids.values())) == sum(map(len, ids.values())) == 200
    assert [name for name, report in reports.items() if report.setting.test_split_opened] == [SplitName.TEST]


def test_outputs_that_come_with_a_file_stand_beside_the_systems(tmp_path: Path) -> None:
    row = {"id": "1", "text": "Bad.", "label": "biased", "references": ["Good."], "mbias_7b": "Good."}
    path = tmp_path / "mbias_test.jsonl"
    path.write_text(json.dumps(row) + "\n")
    report = evaluate(EvalOptions(benchmarks=(path,), models=(), systems=("identity",), records=tmp_path / "r"))
    assert [system.name for system in report.systems] == ["identity", "mbias_7b"]
    assert report.systems[1].sets["mbias_test"].overall["edit_f05"].value == 1.0


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_figures_are_the_same_whatever_the_batch_size(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def figures(batch: int) -> dict:
        monkeypatch.setattr(systems, "_SRLLM_BATCH", batch)
        monkeypatch.setattr(systems, "_load_debiaser", lambda *_: Chairs())
        report = evaluate(options(pairs, models=("builtin",), systems=(), records=tmp_path / str(batch)))
        return {name: found.overall for name, found in report.systems[0].sets.items()}

    found = figures(size)
    assert found == figures(7)
    assert found["pairs"]["auc"].value == 1.0


def test_nothing_to_evaluate_on_is_refused() -> None:
    with pytest.raises(DataError, match="nothing to evaluate on"):
        evaluate(EvalOptions())


def test_a_word_list_without_pairs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.jsonl"
    path.write_text('{"id": "1", "text": "x", "label": "neutral"}\n')
    with pytest.raises(DataError, match="counted on training pairs"):
        evaluate(EvalOptions(benchmarks=(path,), models=(), systems=("wordlist",), records=tmp_path / "r"))


def test_two_files_that_are_the_same_set_are_refused(tmp_path: Path) -> None:
    paths = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "toy.jsonl")
        paths[-1].write_text('{"id": "1", "text": "x", "label": "neutral"}\n')
    with pytest.raises(DataError, match="both the set 'toy'"):
        evaluate(EvalOptions(benchmarks=tuple(paths), models=(), systems=("identity",), records=tmp_path / "r"))


def test_two_systems_of_one_name_are_refused(tmp_path: Path, pairs: Path) -> None:
    specs = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "mine.jsonl"
        path.write_text('{"id": "t-0001", "output": "x"}\n')
        specs.append(f"outputs:{path}")
    with pytest.raises(DataError, match="called 'mine'"):
        evaluate(options(pairs, systems=tuple(specs)))


def test_building_the_command_line_loads_no_evaluation_code() -> None:
    code = "import sys, srllm_cli.evaluation.command; print([m for m in sys.modules if m in ('numpy', 'pydantic')])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_command_prints_tables_and_writes_both_reports(pairs: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(pairs), "--system", "identity", "--system", "wordlist", "-q", "--by", "domain"]
    arguments += [
        "--records",
        str(tmp_path / "r"),
        "--json",
        str(tmp_path / "a.json"),
        "--html",
        str(tmp_path / "a.html"),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "clean rewrites" in result.output
    assert "pairs by domain" in result.output
    assert json.loads((tmp_path / "a.json").read_text())["setting"]["split"] == "validation"
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")


def test_a_fall_beyond_the_limit_is_exit_code_one(pairs: Path, tmp_path: Path) -> None:
    report = tmp_path / "a.json"
    arguments = ["--data", str(pairs), "--system", "wordlist", "--system", "identity", "-q"]
    CliRunner().invoke(app, [*arguments, "--records", str(tmp_path / "r"), "--json", str(report)])
    falls = ["compare", str(report), str(report), "--system-after", "identity", "--max-drop", "2"]
    result = CliRunner().invoke(app, falls)
    assert result.exit_code == 1
    assert "clean rewrites fell by 100.0 points" in result.output
    assert CliRunner().invoke(app, ["compare", str(report), str(report), "--max-drop", "0"]).exit_code == 0


def test_a_report_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    from srllm_cli.errors import InputError

    with pytest.raises(InputError, match="cannot be written"):
        command.write_text(tmp_path / "none" / "a.json", "{}")
