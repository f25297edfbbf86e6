from __future__ import annotations

from pathlib import Path

import pytest
from eval_samples import Scripted, neutral
from filelock import FileLock

from srllm_cli.errors import DataError
from srllm_cli.evaluation.run import run_system
from srllm_cli.evaluation.systems import SystemOutput
from srllm_cli.evaluation.texts import EvalText

Outputs = dict[str, tuple[str, float | None]]


def outcome(records) -> list[tuple[str, SystemOutput]]:
    return [(record.text.id, record.output) for record in records]


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_system(Scripted(outputs, fail_after=2), texts, tmp_path)
    again = Scripted(outputs)
    resumed = run_system(again, texts, tmp_path)
    assert again.asked == ["n-1", "n-2"]
    assert outcome(resumed) == outcome(run_system(Scripted(outputs), texts, tmp_path / "other"))


def test_every_output_is_on_disk_before_the_next_is_asked_for(
    tmp_path: Path, texts: list[EvalText], outputs: Outputs
) -> None:
    written: list[int] = []

    class Watching(Scripted):
        def rewrite_all(self, texts):
            for output in super().rewrite_all(texts):
                written.append(sum(len(file.read_text().splitlines()) for file in tmp_path.glob("*.jsonl")))
                yield output

    run_system(Watching(outputs), texts, tmp_path)
    assert written == [0, 1, 2, 3]


def test_a_half_written_last_line_is_run_again(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    complete = outcome(run_system(Scripted(outputs), texts, tmp_path))
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-20])
    again = Scripted(outputs)
    assert outcome(run_system(again, texts, tmp_path)) == complete
    assert again.asked == ["n-2"]


def test_a_finished_run_asks_for_nothing(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts, tmp_path)
    again = Scripted(outputs)
    run_system(again, texts, tmp_path)
    assert again.asked == []


def test_fresh_forgets_the_records(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts, tmp_path)
    again = Scripted(outputs)
    run_system(again, texts, tmp_path, fresh=True)
    assert len(again.asked) == len(texts)


def test_other_settings_use_other_records(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts, tmp_path)
    again = Scripted(outputs)
    again.fingerprint = "scripted, threshold 0.3"
    run_system(again, texts, tmp_path)
    assert len(again.asked) == len(texts)


def test_an_edited_text_is_run_again(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts, tmp_path)
    again = Scripted(outputs)
    run_system(again, [*texts[:3], neutral("n-2", "Two men won.")], tmp_path)
    assert again.asked == ["n-2"]


def test_records_come_in_the_order_of_the_texts(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts[2:], tmp_path)
    records = run_system(Scripted(outputs), texts, tmp_path)
    assert [record.text.id for record in records] == [text.id for text in texts]


def test_progress_counts_what_was_recorded_before(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts[:1], tmp_path)
    seen: list[tuple[str, int, int]] = []
    run_system(Scripted(outputs), texts, tmp_path, progress=lambda *now: seen.append(now))
    assert seen == [("scripted", 2, 4), ("scripted", 3, 4), ("scripted", 4, 4)]


def test_two_runs_cannot_write_the_same_records(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts, tmp_path)
    (file,) = tmp_path.glob("*.jsonl")
    with FileLock(f"{file}.lock"), pytest.raises(DataError, match="another evaluation"):
        run_system(Scripted(outputs), texts, tmp_path)


def test_a_broken_records_file_is_named_with_its_row(tmp_path: Path, texts: list[EvalText], outputs: Outputs) -> None:
    run_system(Scripted(outputs), texts, tmp_path)
    (file,) = tmp_path.glob("*.jsonl")
    file.write_text("{}\n")
    with pytest.raises(DataError, match=r"scripted-\w+\.jsonl:1: not an evaluation record"):
        run_system(Scripted(outputs), texts, tmp_path)


def test_a_system_that_stops_short_is_an_error_not_a_result(
    tmp_path: Path, texts: list[EvalText], outputs: Outputs
) -> None:
    class Short(Scripted):
        def rewrite_all(self, texts):
            yield from list(super().rewrite_all(texts))[:-1]

    with pytest.raises(ValueError, match="shorter"):
        run_system(Short(outputs), texts, tmp_path)
