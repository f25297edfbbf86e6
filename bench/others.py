"""The systems that need more than srllm does: PyTorch, a web server, node. Absent ones say what to install."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.arithmetic import matmul_rate
from bench.systems import CONTEXT, LONGEST_ANSWER, InProcess, MissingSystemError, Settings, Work, count_found, prompt
from srllm_convert.gguf_file import check_gguf
from srllm_convert.quantize import weight_type

_BATCH = 8
_PARALLEL = 4
_START_SECONDS = 120.0


class Transformers(InProcess):
    """transformers ``generate`` on the CPU, the same weights, passages of similar length padded into batches."""

    def __init__(self, settings: Settings) -> None:
        _need("torch", "pip install 'srllm[train]'")
        import torch

        from srllm_cli.training.base_model import load_base

        torch.set_num_threads(settings.threads)
        dtype = torch.bfloat16 if weight_type(check_gguf(settings.model)) == "BF16" else torch.float32
        self._model, self._tokenizer = load_base(str(settings.model), dtype)
        self._model.eval()
        self._end = self._tokenizer.convert_tokens_to_ids("<|im_end|>")
        self._tokenizer.pad_token_id = self._end
        self._tokenizer.padding_side = "left"

    def run(self, passages: Sequence[str]) -> Work:
        """Generate greedily."""
        import torch

        ordered = sorted(passages, key=len)
        found = written = 0
        for start in range(0, len(ordered), _BATCH):
            prompts = [prompt(passage) for passage in ordered[start : start + _BATCH]]
            inputs = self._tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
            with torch.inference_mode():
                output = self._model.generate(
                    **inputs,
                    do_sample=False,
                    max_new_tokens=LONGEST_ANSWER,
                    eos_token_id=self._end,
                    pad_token_id=self._end,
                )
            answers = output[:, inputs["input_ids"].shape[1] :]  # (batch, longest answer)
            found += count_found(self._tokenizer.batch_decode(answers, skip_special_tokens=True))
            written += int((answers != self._end).sum())
        return Work(found, written)


class Server:
    """llama-cpp-python's own server and a client with several requests under way. The server answers one at a time."""

    def __init__(self, settings: Settings) -> None:
        for module in ("fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings"):
            _need(module, "pip install 'llama-cpp-python[server]'")
        self._port = _free_port()
        command = [sys.executable, "-m", "llama_cpp.server", "--model", str(settings.model), "--port", str(self._port)]
        command += ["--n_ctx", str(CONTEXT), "--n_threads", str(settings.threads), "--verbose", "false"]
        command += ["--n_threads_batch", str(settings.threads), "--interrupt_requests", "false"]
        self._process = subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr)
        self.child: int | None = self._process.pid
        self._wait()

    def run(self, passages: Sequence[str]) -> Work:
        """Send the passages, several at a time."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            answers = list(pool.map(self._ask, passages))
        written = sum(answer["usage"]["completion_tokens"] for answer in answers)
        return Work(count_found([answer["choices"][0]["text"] for answer in answers]), written)

    def close(self) -> None:
        """Stop the server."""
        self._process.terminate()
        self._process.wait(timeout=30)

    def _ask(self, passage: str) -> Any:
        body = {"prompt": prompt(passage), "temperature": 0.0, "max_tokens": LONGEST_ANSWER, "stop": ["<|im_end|>"]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/v1/completions",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def _wait(self) -> None:
        """Wait until the server answers."""
        give_up = time.monotonic() + _START_SECONDS
        while True:
            if self._process.poll() is not None:
                raise MissingSystemError(f"llama_cpp.server ended with status {self._process.returncode}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/v1/models", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                if time.monotonic() > give_up:
                    self.close()
                    raise MissingSystemError("llama_cpp.server did not start") from error
                time.sleep(0.2)


class AlexLinter(InProcess):
    """The linter alex, for scale: it looks words up in lists, and rewrites nothing."""

    def __init__(self, settings: Settings) -> None:
        from srllm_cli.errors import SrllmError
        from srllm_cli.evaluation.baselines import Alex

        self._alex = Alex()
        try:
            _ = self._alex.fingerprint
        except SrllmError as error:
            raise MissingSystemError(f"{error} ({error.hint})") from error

    def run(self, passages: Sequence[str]) -> Work:
        """Lint the passages, a file each."""
        from srllm_cli.evaluation.texts import EvalText

        texts = [EvalText("bench", str(number), passage, "neutral") for number, passage in enumerate(passages)]
        return Work(sum(output.flagged for output in self._alex.rewrite_all(texts)))


class Matmul(InProcess):
    """A matrix multiplication of the model's types. ``written`` is the operations a second."""

    def __init__(self, settings: Settings) -> None:
        _need("torch", "pip install 'srllm[train]'")
        self._settings = settings

    def run(self, passages: Sequence[str]) -> Work:
        """Multiply; the passages are not looked at."""
        return Work(0, int(matmul_rate(weight_type(check_gguf(self._settings.model)), self._settings.threads)))


def _need(module: str, hint: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise MissingSystemError(f"not installed: {hint}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
