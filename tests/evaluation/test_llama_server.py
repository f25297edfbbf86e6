"""llama-cpp-python's own server, run for real on loopback: what we send is understood, and its refusals are told."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from eval_samples import biased, neutral

from srllm_cli.debias.protocol import Protocol
from srllm_cli.engines.llama import LlamaEngine
from srllm_cli.evaluation import judging
from srllm_cli.evaluation.chat import ServerError
from srllm_cli.evaluation.judge import JudgeScores
from srllm_cli.evaluation.judging import open_judge
from srllm_cli.evaluation.servers import ServerSystem

NEEDED = ("openai", "fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(find_spec, NEEDED)), reason="needs llama-cpp-python[server] and openai"),
]


@pytest.fixture(scope="module")
def url(builtin_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The built-in model behind an address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(builtin_gguf), "--model_alias", "builtin"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "2048", "--logits_all", "true"]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    address = f"http://127.0.0.1:{port}/v1"
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"{address}/models", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.5)
            yield address
        finally:
            process.terminate()
            process.wait()


def test_a_tuned_model_behind_it_gives_the_engines_verdicts(url: str, builtin_gguf: Path) -> None:
    texts = [
        biased("1", "Women are too hysterical to lead a team.", "-", []),
        neutral("2", "The ferry leaves at nine."),
    ]
    system = ServerSystem(url, None, verdict=True, at_once=1)
    assert system.name == "verdict-server:builtin"
    outputs = list(system.rewrite_all(texts))
    with LlamaEngine(builtin_gguf, Protocol()) as engine:
        scores = engine.score([text.text for text in texts])
    assert [output.score for output in outputs] == pytest.approx(scores, abs=0.05)
    assert [output.flagged for output in outputs] == [True, False]


def test_a_judge_that_is_too_weak_gives_scores_of_its_form_or_one_clear_error(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_ANSWER_TOKENS", 96)  # it may go on listing for ever
    try:
        with open_judge(url, None, tmp_path) as judge:
            (found,) = judge.score_all([("The chairman spoke.", "The chair spoke.")], at_once=1)
        assert isinstance(found, JudgeScores)
    except ServerError as error:
        assert "does not answer what a judge is asked" in str(error)
        assert "stronger --judge-model" in str(error.hint)


def test_a_model_that_is_not_there_is_one_error(url: str) -> None:
    server = url.replace("/v1", "/nowhere")
    with pytest.raises(ServerError, match="404"):
        list(ServerSystem(server, "builtin").rewrite_all([neutral("1", "Fine.")]))
