"""The hub and a package index, played by a server on this machine; small wheels that hold a file in parts."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import unquote

COMMIT = "a" * 40
REPOSITORY = "someone/some-model"


@dataclass
class Hub:
    """What the server holds (files of the hub's repository, wheels by name), and the requests that it got.

    Of a file in ``stalls`` it sends the first half and then nothing, until it is taken out of there.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    wheels: dict[str, bytes] = field(default_factory=dict)
    stalls: set[str] = field(default_factory=set)
    address: str = ""
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def fetched(self, ending: str) -> list[str]:
        """The requests for the content of what ends so."""
        return [line for line in self.asked if line.startswith("GET") and line.partition(" from ")[0].endswith(ending)]


@contextmanager
def serve(holds: Hub) -> Iterator[Hub]:
    """Serve the hub under ``/`` and the index under ``/simple/``."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            path = unquote(self.path)
            start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
            holds.asked.append(f"{self.command} {self.path}" + (f" from {start}" if start else ""))
            if path.startswith("/simple/"):
                self.send_page(path.split("/")[2])
            elif path.startswith("/wheels/"):
                self.send(holds.wheels[path.removeprefix("/wheels/")], {}, start, with_body)
            else:
                self.send_hub_file(path, start, with_body)

        def send_page(self, package: str) -> None:
            begins = package.replace("-", "_") + "-"
            names = [name for name in holds.wheels if name.startswith(begins)]
            hashes = {name: hashlib.sha256(holds.wheels[name]).hexdigest() for name in names}
            links = "".join(f'<a href="/wheels/{name}#sha256={hashes[name]}">{name}</a>' for name in names)
            if not names:
                self.send_error(404)
                return
            self.send(f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), {"Content-Type": "text/html"})

        def send_hub_file(self, path: str, start: int, with_body: bool) -> None:
            head, _, rest = path.partition("/resolve/")
            revision, _, name = rest.partition("/")
            wrong = (
                "RepoNotFound" if head != f"/{REPOSITORY}"
                else "RevisionNotFound" if revision not in ("main", "v1", COMMIT)
                else "EntryNotFound" if name not in holds.files
                else None
            )  # fmt: skip
            if wrong:
                self.send_response(404)
                self.send_header("X-Error-Code", wrong)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = holds.files[name]
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(body).hexdigest()}"'}
            self.send(body, headers, start, with_body)

        def send(self, body: bytes, headers: dict[str, str], start: int = 0, with_body: bool = True) -> None:
            self.send_response(206 if start else 200)
            for key, value in headers.items():
                self.send_header(key, value)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            if not with_body:
                return
            name = unquote(self.path).rpartition("/")[2]
            if name in holds.stalls:
                self.wfile.write(body[start : len(body) // 2])
                self.wfile.flush()
                while name in holds.stalls and not holds.over.wait(0.05):
                    pass
                return
            self.wfile.write(body[start:])

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """A client that was killed is part of the tests."""

    listening = Server(("127.0.0.1", 0), Handler)
    holds.address = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield holds
    finally:
        holds.over.set()
        listening.shutdown()
        listening.server_close()
        thread.join()


def data_wheel(package: str, number: int, part: bytes) -> tuple[str, bytes]:
    """Return name and bytes of a wheel that holds one part of a file, and code that must never run."""
    module = package.replace("-", "_")
    about = f"{module}-1.0.dist-info"
    files = {
        f"{module}/__init__.py": b"raise SystemExit('imported')\n",
        f"{module}/data/part{number:02}.bin": part,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in files))
    return f"{module}-1.0-py3-none-any.whl", content.getvalue()
