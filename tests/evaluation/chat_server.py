"""A small chat-completions server on loopback, for tests of what goes over the wire."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: From a request's body to (status, body); a body that is no dictionary is sent as it is.
Answer = Callable[[dict], tuple[int, object]]


def completion(text: str, finish: str = "stop") -> dict:
    """A reply of the chat protocol."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "toy", "choices": [choice]}


def text_completion(text: str, first: dict[str, float] | None = None) -> dict:
    """A reply to a written-out prompt; ``first`` holds log-probabilities of the first token."""
    logprobs = None if first is None else {"top_logprobs": [first], "tokens": [next(iter(first))]}
    choice = {"index": 0, "finish_reason": "stop", "text": text, "logprobs": logprobs}
    return {"id": "x", "object": "text_completion", "created": 0, "model": "toy", "choices": [choice]}


class Loopback:
    """A running server: its address, what it was asked, and how many requests it had at a time."""

    def __init__(self, answer: Answer, models: tuple[str, ...]) -> None:
        self.answer, self.models = answer, models
        self.asked: list[dict] = []
        self.keys: list[str | None] = []
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.url = ""


@contextmanager
def serving(answer: Answer, models: tuple[str, ...] = ("toy",)) -> Iterator[Loopback]:
    """Serve until the block ends."""
    state = Loopback(answer, models)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in state.models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.lock:
                state.asked.append(body)
                state.keys.append(self.headers["Authorization"])
                state.now += 1
                state.most = max(state.most, state.now)
            status, reply = state.answer(body)
            with state.lock:
                state.now -= 1
            self.send(status, reply)

        def send(self, status: int, reply: object) -> None:
            data = json.dumps(reply).encode() if isinstance(reply, dict) else str(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if isinstance(reply, dict) else "text/html")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
