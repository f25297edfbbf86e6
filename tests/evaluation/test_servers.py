from __future__ import annotations

import time
from pathlib import Path

import pytest
from chat_server import completion, serving, text_completion
from eval_samples import neutral

from srllm_cli.errors import DataError, ModelError
from srllm_cli.evaluation import chat
from srllm_cli.evaluation.chat import ChatServer, ServerError, ask_in_order
from srllm_cli.evaluation.servers import ServerSystem, first_token_score
from srllm_cli.evaluation.systems import parse_system

pytest.importorskip("openai")


@pytest.fixture(autouse=True)
def no_second_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_RETRIES", 0)


def last(body: dict) -> str:
    return body["messages"][-1]["content"]


def test_a_server_is_asked_in_plain_words_and_answers_come_in_order() -> None:
    def answer(body: dict) -> tuple[int, object]:
        text = last(body).rpartition("Text: ")[2]
        time.sleep(0.05 if text.endswith("0") else 0)  # the first is the slowest
        return 200, completion(f" {text.upper()} ")

    with serving(answer) as server:
        system = parse_system(f"server:{server.url}", None, dict, at_once=3)
        outputs = list(system.rewrite_all([neutral(f"n-{n}", f"text {n}") for n in range(9)]))
        assert system.name == "server:toy"
    assert [output.text for output in outputs] == [f"TEXT {n}" for n in range(9)]
    assert {(output.score, output.flagged) for output in outputs} == {(None, True)}
    assert 1 < server.most <= 3
    assert {body["temperature"] for body in server.asked} == {0.0}


def test_a_verdict_is_read_with_its_score_from_the_prompt_of_training() -> None:
    def answer(body: dict) -> tuple[int, object]:
        assert body["prompt"].startswith("<|im_start|>user\n")
        assert body["stop"] == ["<|im_end|>"]
        if "Bad." in body["prompt"]:
            return 200, text_completion("biased: gender\nGood.", first={"bi": -0.105360516, "un": -2.302585093})
        return 200, text_completion("unbiased", first={"un": 0.0})

    with serving(answer) as server:
        system = parse_system(f"verdict-server:{server.url}#toy", None, dict)
        bad, fine = system.rewrite_all([neutral("1", "Bad."), neutral("2", "Fine.")])
    assert (bad.text, bad.flagged) == ("Good.", True)
    assert bad.score == pytest.approx(0.9)
    assert (fine.text, fine.score, fine.flagged) == ("Fine.", 0.0, False)


def test_a_server_without_probabilities_gives_a_verdict_and_no_score() -> None:
    def answer(body: dict) -> tuple[int, object]:
        if "logprobs" in body:
            return 400, {"error": {"message": "logprobs is not supported"}}
        return 200, text_completion("unbiased")

    with serving(answer) as server:
        outputs = list(
            ServerSystem(server.url, "toy", verdict=True, at_once=1).rewrite_all(
                [neutral("1", "Fine."), neutral("2", "Good.")]
            )
        )
    assert [(output.text, output.score) for output in outputs] == [("Fine.", None), ("Good.", None)]
    assert len(server.asked) == 3


def test_an_answer_of_another_protocol_is_an_error_not_an_unbiased_text() -> None:
    with (
        serving(lambda _: (200, text_completion("Sure! Here it is."))) as server,
        pytest.raises(ServerError, match="not of protocol 'verdict': 'Sure!"),
    ):
        list(ServerSystem(server.url, "toy", verdict=True).rewrite_all([neutral("1", "Fine.")]))


@pytest.mark.parametrize(
    ("first", "score"),
    [
        ({"biased": 0.6, "unbiased": 0.2, "The": 0.2}, 0.75),
        ({"b": 0.1, "un": 0.3}, 0.25),
        ({"x": 1.0}, None),
        ({}, None),
    ],
)
def test_the_score_is_of_the_two_verdicts_alone(first: dict[str, float], score: float | None) -> None:
    assert first_token_score(first) == (None if score is None else pytest.approx(score))


@pytest.mark.parametrize(
    ("status", "reply", "message", "hint"),
    [
        (401, {"error": {"message": "no"}}, r"the key was refused \(401\)", "set SRLLM_SERVER_API_KEY"),
        (404, {"error": {"message": "model 'toy' not found\nsee docs"}}, "404: .*model 'toy' not found", None),
        (500, "<html>down</html>", "500: ", None),
        (200, "<html>hello</html>", "the reply is no chat completion", "usually ends in /v1"),
        (200, {"object": "chat.completion", "choices": []}, "the reply is no chat completion", "usually ends in /v1"),
        (200, {"choices": [{"index": 0}]}, "the reply is no chat completion", "usually ends in /v1"),
        (200, {"detail": "hello"}, "the reply is no chat completion", "usually ends in /v1"),
    ],
)
def test_what_a_server_refuses_is_one_error_with_a_way_out(
    status: int, reply: object, message: str, hint: str | None
) -> None:
    with serving(lambda _: (status, reply)) as server, pytest.raises(ServerError, match=message) as caught:
        list(ServerSystem(server.url, "toy").rewrite_all([neutral("1", "Fine.")]))
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert hint is None or hint in str(caught.value.hint)


def test_a_server_that_is_not_there_is_said_to_be() -> None:
    with serving(lambda _: (200, {})) as server:
        url = server.url
    with pytest.raises(ServerError, match="cannot be reached"):
        list(ServerSystem(url, "toy").rewrite_all([neutral("1", "Fine.")]))


def test_the_key_comes_from_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "another service's")
    with serving(lambda _: (200, completion("x"))) as server:
        for key in (None, "secret"):
            if key:
                monkeypatch.setenv("SRLLM_SERVER_API_KEY", key)
            list(ServerSystem(server.url, "toy").rewrite_all([neutral("1", "Fine.")]))
    assert server.keys == ["Bearer none", "Bearer secret"]


def test_a_server_with_several_models_needs_one_named() -> None:
    with serving(lambda _: (200, {}), models=("one", "two")) as server:
        with pytest.raises(ServerError, match="has 2 models") as caught:
            _ = ServerSystem(server.url, None).name
        assert caught.value.hint == "name one: one, two"
        assert ServerSystem(server.url, "two").name == "server:two"


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ServerError, match="no address"):
        ChatServer("localhost:8000", key_variable="X")


def test_an_error_comes_at_its_place_and_what_was_not_begun_is_dropped() -> None:
    begun: list[int] = []

    def ask(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise ServerError("broke")
        return number

    found: list[int] = []
    with pytest.raises(ServerError, match="broke"):
        found.extend(ask_in_order(ask, range(100), 2))
    assert found == [0, 1]
    assert max(begun) < 6


def test_an_adapter_is_named_with_its_base(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"adapter:BASE\.gguf\+ADAPTER\.gguf"):
        parse_system("adapter:base.gguf", None, dict)
    with pytest.raises(ModelError, match="no such file"):
        parse_system(f"adapter:{tmp_path / 'a.gguf'}+{tmp_path / 'b.gguf'}", None, dict)


@pytest.mark.slow
def test_the_built_in_adapter_on_its_base_is_the_built_in_model(builtin_gguf: Path) -> None:
    from srllm_cli.evaluation.systems import SrllmSystem
    from srllm_cli.models.family import FAMILY
    from srllm_cli.models.manifest import adapter_path

    texts = [neutral("1", "The chairman spoke."), neutral("2", "A ferry left at 9.")]
    adapter = adapter_path(FAMILY["builtin"])
    system = parse_system(f"adapter:smollm2+{adapter}", None, dict)
    assert system.name == adapter.name
    scores = [output.score for output in system.rewrite_all(texts)]
    # The built-in model may be kept in another type on this machine, which moves a score a little.
    expected = [output.score for output in SrllmSystem(str(builtin_gguf)).rewrite_all(texts)]
    assert scores == pytest.approx(expected, abs=0.05)
