from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from chat_server import completion, serving
from typer.testing import CliRunner

from srllm_cli.errors import DataError
from srllm_cli.evaluation import chat, judge
from srllm_cli.evaluation.chat import ServerError
from srllm_cli.evaluation.command import app
from srllm_cli.evaluation.evaluate import evaluate
from srllm_cli.evaluation.judge import AnswerError, Statements
from srllm_cli.evaluation.judging import open_judge
from srllm_cli.evaluation.options import EvalOptions
from srllm_cli.evaluation.report import note, to_json

# What is asked and what answers are worth ----------------------------------------------------------------------------


def test_scores_are_the_published_shares() -> None:
    assert judge.fault_share(["yes", "no", "unclear", "yes"]) == 0.5
    assert judge.sound_share(["yes", "no", "unclear", "yes"]) == 0.75
    assert (judge.retention(["no", "unclear"]), judge.retention(["no", "yes"])) == (1.0, 0.0)


def test_a_text_that_says_nothing_has_no_fault() -> None:
    assert (judge.fault_share([]), judge.sound_share([]), judge.retention([])) == (0.0, 1.0, 1.0)
    empty = Statements(facts=[], opinions=[])
    assert judge.bias_prompt(empty) is judge.retention_prompt(empty, "x") is judge.relevancy_prompt(empty, "x") is None


def test_a_schema_holds_the_server_to_one_verdict_for_each_statement() -> None:
    prompt = judge.verdicts_prompt("Q", ["one\nline", "two"], "the text")
    assert "1. one line\n2. two" in prompt.content
    assert prompt.content.endswith("---\nthe text")
    assert prompt.schema["required"] == ["1", "2"]
    assert prompt.schema["additionalProperties"] is False


def test_an_answer_may_be_fenced() -> None:
    assert judge.read_verdicts('```json\n{"1": "no"}\n```', 1) == ["no"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("I think so.", "not JSON"),
        ('{"1": "yes"}', "not one verdict for each of the 2"),
        ('["yes", "no"]', "not one verdict"),
        ('{"1": "yes", "2": "maybe"}', "'maybe' is none of"),
        ('{"1": "yes", "2": null}', "'None' is none of"),
    ],
)
def test_verdicts_of_another_form_are_refused_not_guessed(answer: str, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        judge.read_verdicts(answer, 2)


@pytest.mark.parametrize(
    "answer", ['{"facts": []}', '{"facts": "x", "opinions": []}', "[]", '{"facts": [1], "opinions": []}']
)
def test_statements_of_another_form_are_refused(answer: str) -> None:
    with pytest.raises(AnswerError):
        judge.read_statements(answer)


def test_blank_statements_are_dropped_and_endless_lists_cut() -> None:
    found = judge.read_statements(json.dumps({"facts": ["a", " "], "opinions": ["x"] * 99}))
    assert (found.facts, len(found.opinions)) == (["a"], judge.MOST_STATEMENTS)


# Over the wire -------------------------------------------------------------------------------------------------------


def toy_judge(body: dict) -> tuple[int, object]:
    """Answer in the asked-for form: a sentence with "!" is a biased opinion, a fact is lost when its words are."""
    asked = body["messages"][0]["content"]
    below = asked.partition("\n\n---\n")[2]
    if '"opinions"' in asked:
        said = [sentence.strip() for sentence in re.findall(r"[^.!]+[.!]", below)]
        found = {"facts": [s for s in said if s[-1] == "."], "opinions": [s for s in said if s[-1] == "!"]}
        return 200, completion(json.dumps(found))
    statements = dict(re.findall(r"^(\d+)\. (.*)$", asked.partition("\n\n---\n")[0], re.M))
    if "has lost it" in asked:
        verdicts = {number: "no" if said in below else "yes" for number, said in statements.items()}
    elif "biased" in asked or "toxic" in asked:
        verdicts = dict.fromkeys(statements, "yes")
    else:
        verdicts = {number: "yes" if said in below else "no" for number, said in statements.items()}
    return 200, completion(json.dumps(verdicts))


PAIRS = [
    ("She left at 9. What a shrew!", "She left at 9."),
    ("Ana won 3 games. She is bossy!", "Ana won. I cannot say more."),
    ("All fine.", "All fine."),
]


@pytest.fixture(autouse=True)
def no_second_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_RETRIES", 0)


def test_a_judge_scores_every_rewrite(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    with serving(toy_judge) as server, open_judge(server.url, None, tmp_path) as judging:
        kept, lost, same = judging.score_all(PAIRS, at_once=2)
        assert judging.name == f"toy at {server.url}"
    assert (kept.bias_before, kept.toxicity_before, kept.bias, kept.toxicity) == (1.0, 1.0, 0.0, 0.0)
    assert (kept.knowledge_retention, kept.faithfulness, kept.answer_relevancy) == (1.0, 1.0, 1.0)
    assert (lost.knowledge_retention, lost.faithfulness) == (0.0, 0.0)
    assert (same.bias_before, same.bias, same.knowledge_retention) == (0.0, 0.0, 1.0)
    assert server.most <= 2
    assert all(body["response_format"]["type"] == "json_schema" for body in server.asked)


def test_an_empty_rewrite_says_nothing_and_has_lost_the_facts(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    with serving(toy_judge) as server, open_judge(server.url, "toy", tmp_path) as judging:
        (scores,) = judging.score_all([("Ana won. What a shrew!", "")], at_once=1)
    assert (scores.bias_before, scores.bias, scores.knowledge_retention) == (1.0, 0.0, 0.0)
    assert sum('"opinions"' in body["messages"][0]["content"] for body in server.asked) == 1


def test_a_server_that_knows_schemas_by_their_older_name_is_asked_that_way(tmp_path: Path) -> None:
    pytest.importorskip("openai")

    def older(body: dict) -> tuple[int, object]:
        if body["response_format"]["type"] != "json_object":
            return 500, {"error": {"message": "1 validation error:\n  {'loc': ('body', 'response_format', 'type')}"}}
        assert body["response_format"]["schema"]["required"]
        return toy_judge(body)

    with serving(older) as server, open_judge(server.url, "toy", tmp_path) as judging:
        (scores,) = judging.score_all(PAIRS[:1], at_once=1)
        assert scores.knowledge_retention == 1.0
    assert [body["response_format"]["type"] for body in server.asked].count("json_schema") == 1


def test_a_judge_that_dies_is_an_error_and_the_next_run_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    left = [7]

    def dying(body: dict) -> tuple[int, object]:
        left[0] -= 1
        return toy_judge(body) if left[0] >= 0 else (503, "<html>gone</html>")

    with serving(dying) as server:
        with open_judge(server.url, "toy", tmp_path) as judging, pytest.raises(ServerError, match="503"):
            judging.score_all(PAIRS, at_once=1)
        server.answer = toy_judge
        with open_judge(server.url, "toy", tmp_path) as judging:
            resumed = judging.score_all(PAIRS, at_once=1)
        with open_judge(server.url, "toy", tmp_path / "other") as judging:
            asked = len(server.asked)
            assert judging.score_all(PAIRS, at_once=3) == resumed
        whole = len(server.asked) - asked
        assert asked == whole + 1  # the refused question alone was asked twice


def test_an_answered_question_is_not_asked_again(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    with serving(toy_judge) as server:
        for _ in range(2):
            with open_judge(server.url, "toy", tmp_path) as judging:
                judging.score_all(PAIRS, at_once=1)
                asked = len(server.asked)
        with open_judge(server.url, "toy", tmp_path, fresh=True) as judging:
            judging.score_all(PAIRS, at_once=1)
    assert len(server.asked) == 2 * asked


def test_nonsense_is_an_error_after_two_more_tries_not_a_score(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    with (
        serving(lambda _: (200, completion("As a language model, I would rather not."))) as server,
        open_judge(server.url, "toy", tmp_path) as judging,
        pytest.raises(ServerError, match="toy does not answer what a judge is asked: not JSON: 'As a") as caught,
    ):
        judging.score_all(PAIRS[:1], at_once=1)
    assert "stronger --judge-model" in str(caught.value.hint)
    assert len(server.asked) == 3
    assert "not JSON" in server.asked[1]["messages"][-1]["content"]
    assert list(tmp_path.glob("*.jsonl")) == []


def test_an_answer_that_was_cut_off_is_not_taken(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    with (
        serving(lambda _: (200, completion('{"facts": [], "opinions": []}', finish="length"))) as server,
        open_judge(server.url, "toy", tmp_path) as judging,
        pytest.raises(ServerError, match="longer than it may be"),
    ):
        judging.score_all(PAIRS[:1], at_once=1)


def test_a_second_try_may_mend_an_answer(tmp_path: Path) -> None:
    pytest.importorskip("openai")

    def careless(body: dict) -> tuple[int, object]:
        return toy_judge(body) if len(body["messages"]) > 1 else (200, completion("Sure: {}"))

    with serving(careless) as server, open_judge(server.url, "toy", tmp_path) as judging:
        (scores,) = judging.score_all(PAIRS[:1], at_once=1)
    assert scores.knowledge_retention == 1.0


def test_a_broken_answers_file_is_named_with_its_row(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    with serving(toy_judge) as server:
        with open_judge(server.url, "toy", tmp_path) as judging:
            judging.score_all(PAIRS[2:], at_once=1)
        (file,) = tmp_path.glob("judge-*.jsonl")
        half = file.read_bytes()
        file.write_bytes(half + b'{"key": "half wri')
        with open_judge(server.url, "toy", tmp_path):
            assert file.read_bytes() == half
        file.write_text("[]\n")
        with (
            pytest.raises(DataError, match=r"judge-\w+\.jsonl:1: not a judge's answer"),
            open_judge(server.url, "toy", tmp_path),
        ):
            pass


def test_the_command_asks_the_judge_that_it_is_given(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    path = tmp_path / "toy.jsonl"
    path.write_text(json.dumps({"id": "1", "text": "Ana won. What a shrew!", "label": "biased"}) + "\n")
    with serving(toy_judge, models=("one", "two")) as server:
        arguments = ["--benchmarks", str(path), "--system", "identity", "--records", str(tmp_path / "r"), "-q"]
        arguments += ["--judge", server.url, "--judge-model", "two", "--at-once", "1"]
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "judge: knowledge retention" in result.output
    assert "Judged by two at" in result.output
    assert {body["model"] for body in server.asked} == {"two"}


def test_a_report_holds_the_judges_scores_on_biased_texts(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    rows = [
        {"id": str(n), "text": text, "label": "biased", "mbias_7b": output} for n, (text, output) in enumerate(PAIRS)
    ]
    rows.append({"id": "9", "text": "A ferry left.", "label": "neutral", "mbias_7b": "A ferry left."})
    path = tmp_path / "toy.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(toy_judge) as server:
        options = EvalOptions(
            benchmarks=(path,), models=(), systems=("column:mbias_7b",), records=tmp_path / "r", judge=server.url
        )
        report = evaluate(options)
    figures = report.systems[0].sets["toy"].overall
    assert figures["judge_bias_before"].value == pytest.approx(2 / 3)
    assert (figures["judge_bias"].value, figures["judge_knowledge_retention"].texts) == (0.0, 3)
    assert "Judged by toy at http://127.0.0.1" in note(report)
    content = json.loads(to_json(report))
    assert content["setting"]["judge"].startswith("toy at ")
    assert [record["judged"] is None for record in content["systems"][0]["records"]] == [False, False, False, True]
