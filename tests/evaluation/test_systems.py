from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from eval_samples import neutral

from srllm_cli.debias.types import Finding, Rewrite, ScoredPassage, Status
from srllm_cli.errors import DataError, ModelError
from srllm_cli.evaluation import systems
from srllm_cli.evaluation.baselines import Alex, MissingToolError, Prompted, WordList, learn_word_list
from srllm_cli.evaluation.systems import OutputsFile, ReadyOutputs, SrllmSystem, parse_system
from srllm_cli.evaluation.texts import EvalText
from srllm_cli.training.pairs import Pair


class Upper:
    """Stands for the Debiaser: shouts every text, and remembers how many it got at a time."""

    def __init__(self, passages: tuple[ScoredPassage, ...]) -> None:
        self.passages, self.batches, self.closed = passages, [], False

    def rewrite_all(self, texts: Iterable[str], format: str = "plain") -> Iterator[Rewrite]:
        assert format == "plain"
        batch = list(texts)
        self.batches.append(len(batch))
        for text in batch:
            finding = Finding(0, len(text), text, text.upper(), "gender", 0.9, Status.REWRITTEN)
            yield Rewrite(text.upper(), (finding,), self.passages)

    def close(self) -> None:
        self.closed = True


def many(count: int) -> list[EvalText]:
    return [neutral(f"n-{number}", f"text {number}") for number in range(count)]


def test_the_score_of_a_text_is_its_highest_passage() -> None:
    upper = Upper((ScoredPassage(0, 2, 0.2), ScoredPassage(2, 4, 0.7), ScoredPassage(4, 5, None)))
    (output,) = SrllmSystem("builtin", load=lambda *_: upper).rewrite_all(many(1))
    assert (output.text, output.score, output.flagged) == ("TEXT 0", 0.7, True)


@pytest.mark.parametrize(("passages", "score"), [((), 0.0), ((ScoredPassage(0, 1, None),), None)])
def test_a_text_without_scores_has_none_unless_there_was_nothing_to_score(
    passages: tuple[ScoredPassage, ...], score: float | None
) -> None:
    (output,) = SrllmSystem("builtin", load=lambda *_: Upper(passages)).rewrite_all(many(1))
    assert output.score == score


def test_texts_go_to_the_engine_in_batches_and_the_model_is_freed() -> None:
    upper = Upper(())
    outputs = list(SrllmSystem("builtin", load=lambda *_: upper).rewrite_all(many(100)))
    assert [output.text for output in outputs] == [text.text.upper() for text in many(100)]
    assert upper.batches == [64, 36]
    assert upper.closed


def test_records_depend_on_models_threshold_screen_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"one")
    first = SrllmSystem(str(model), 0.5).fingerprint
    assert SrllmSystem(str(model), 0.5).fingerprint == first
    assert SrllmSystem(str(model), 0.4).fingerprint != first
    assert SrllmSystem(str(model), 0.5, "none").fingerprint != first
    screened = SrllmSystem("builtin", 0.5, f"{model}@0.1").fingerprint
    model.write_bytes(b"three")
    assert SrllmSystem(str(model), 0.5).fingerprint != first
    assert SrllmSystem("builtin", 0.5, f"{model}@0.1").fingerprint != screened
    second = SrllmSystem(str(model), 0.5).fingerprint
    monkeypatch.setattr(systems, "code_mark", lambda: "changed")
    assert SrllmSystem(str(model), 0.5).fingerprint != second


def test_a_ready_made_column_covers_the_texts_that_have_it() -> None:
    system = ReadyOutputs("mbias_7b")
    text = EvalText("mbias_test", "1", "Bad.", "biased", ready={"mbias_7b": "Good."})
    assert system.covers(text)
    assert not system.covers(neutral("n", "x"))
    (output,) = system.rewrite_all([text])
    assert (output.text, output.score, output.flagged) == ("Good.", None, True)


def test_an_outputs_file_is_matched_by_id(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"id": "n-0", "output": "new", "score": 0.25}) + "\n\n")
    system = OutputsFile(path)
    assert system.name == "mine"
    assert [system.covers(text) for text in many(2)] == [True, False]
    (output,) = system.rewrite_all(many(1))
    assert (output.text, output.score) == ("new", 0.25)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "not JSON"),
        ('{"id": "b"}', "needs the texts"),
        ('{"id": "b", "output": "x", "score": 2}', "from 0 to 1"),
        ('{"id": "b", "output": "x", "score": true}', "from 0 to 1"),
        ('{"id": "a", "output": "x"}', "occurs twice"),
    ],
)
def test_a_bad_outputs_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "a", "output": "x"}\n' + row + "\n")
    with pytest.raises(DataError, match=message) as caught:
        OutputsFile(path)
    assert str(caught.value).startswith(f"{path}:2: ")


@pytest.mark.parametrize("spec", ["outputs:", "column:", "prompted:"])
def test_an_incomplete_specification_is_refused(spec: str) -> None:
    with pytest.raises(DataError, match="nothing follows"):
        parse_system(spec, None, dict)


def test_any_other_specification_is_a_model() -> None:
    assert parse_system("hf:owner/repo/m.gguf", None, dict).name == "hf:owner/repo/m.gguf"
    assert parse_system("builtin", 0.3, dict).name == "builtin@0.3"
    assert parse_system("builtin", None, dict, screen="none").name == "builtin (screen: none)"


def test_a_missing_model_of_a_prompted_baseline_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        Prompted(tmp_path / "none.gguf")


def pair(number: int, source: str, target: str) -> Pair:
    biased = source != target
    return Pair(
        id=f"p-{number}",
        biased_text=source,
        debiased_text=target,
        label="biased" if biased else "neutral",
        dimension="gender" if biased else "none",
    )


def test_the_word_list_learns_terms_that_are_mostly_edited() -> None:
    pairs = [pair(n, f"The chairman met {n} old friends.", f"The chair met {n} friends.") for n in range(3)]
    pairs += [pair(10 + n, f"An old house, number {n}.", f"An old house, number {n}.") for n in range(9)]
    assert learn_word_list(pairs) == {"chairman": "chair"}


def test_the_word_list_replaces_whole_words_and_keeps_capitals() -> None:
    texts = [neutral("1", "Chairman Bo, the lame duck, spoke of chairmanship.")]
    (output,) = WordList({"chairman": "chair", "lame": ""}).rewrite_all(texts)
    assert output.text == "Chair Bo, the duck, spoke of chairmanship."
    assert (output.score, output.flagged) == (1.0, True)


def test_an_empty_word_list_changes_nothing() -> None:
    (output,) = WordList({}).rewrite_all(many(1))
    assert (output.text, output.flagged) == ("text 0", False)


def test_a_missing_alex_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingToolError, match="alex is not on the path"):
        list(Alex().rewrite_all(many(1)))


@pytest.mark.skipif(shutil.which("alex") is None, reason="alex is not installed")
def test_alex_flags_what_it_has_a_message_for() -> None:
    texts = [neutral("1", "The chairman is crazy."), neutral("2", "A dog ran."), neutral("3", "")]
    outputs = list(Alex().rewrite_all(texts))
    assert [(output.score, output.text) for output in outputs] == [
        (1.0, texts[0].text),
        (0.0, texts[1].text),
        (0.0, ""),
    ]


FAKE_ALEX = """#!/bin/sh
if [ "$1" = --version ]; then echo 11.0.1; exit 0; fi
shift
for name in "$@"; do
  if grep -q chairman "$name"; then printf '%s\\n   1:5-1:13  warning  message\\n' "$name" >&2; code=1
  else echo "$name: no issues found" >&2; fi
done
exit ${code:-0}
"""


def test_alex_reports_are_read_per_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "alex"
    program.write_text(FAKE_ALEX)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    texts = [neutral("1", "A dog."), neutral("2", "The chairman."), neutral("3", "Two dogs.")]
    assert [output.flagged for output in Alex().rewrite_all(texts)] == [False, True, False]
    assert Alex().fingerprint == "alex|11.0.1"


def test_a_failing_alex_is_an_error_not_a_clean_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "alex"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(MissingToolError, match="0 of 1 texts"):
        list(Alex().rewrite_all(many(1)))
