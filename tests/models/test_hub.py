"""The hub, played by a server on this machine: huggingface_hub's own client talks to it in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_sources import REPOSITORY, Hub, serve
from small_builtin import TOKENS, WIDTH, write_gguf

from srllm_cli.errors import ModelError
from srllm_cli.models import hub, resolve

ASK = """
import json, sys
from srllm_cli.errors import ModelError
from srllm_cli.models import resolve
said = []
try:
    model = resolve(sys.argv[1], progress=lambda text, share: said.append(text))
    print(json.dumps({"path": str(model.path), "said": said}))
except ModelError as error:
    print(json.dumps({"error": str(error), "hint": error.hint}))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    model = write_gguf(tmp_path / "m.gguf", {"token_embd.weight": (TOKENS, WIDTH)}).read_bytes()
    with serve(Hub({"m.gguf": model, "quants/q 8.gguf": model, "cut.gguf": model[:-1000]})) as holds:
        yield holds


def ask(name: str, endpoint: str, home: Path, **environment: str) -> dict[str, object]:
    own = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    own |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", **environment}
    done = subprocess.run([sys.executable, "-c", ASK, name], capture_output=True, text=True, check=True, env=own)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_file_is_fetched_once_and_then_found_without_a_network(server: Hub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer = ask(f"hf:{REPOSITORY}/m.gguf", server.address, home)
    assert Path(str(answer["path"])).read_bytes() == server.files["m.gguf"]
    assert answer["said"] == [f"fetching m.gguf from {REPOSITORY}"]
    asked = len(server.asked)
    again = ask(f"hf:{REPOSITORY}/m.gguf", server.address, home, HF_HUB_OFFLINE="1")
    assert again == {"path": answer["path"], "said": []}
    assert len(server.asked) == asked


def test_revision_and_folder_are_asked_for(server: Hub, tmp_path: Path) -> None:
    answer = ask(f"hf:{REPOSITORY}@v1/quants/q 8.gguf", server.address, tmp_path / "home")
    assert str(answer["path"]).endswith("q 8.gguf")
    assert any("/resolve/v1/" in request for request in server.asked)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hf:nobody/nothing/m.gguf", "no repository nobody/nothing"),
        (f"hf:{REPOSITORY}@v9/m.gguf", "has no revision v9"),
        (f"hf:{REPOSITORY}/absent.gguf", "has no file absent.gguf"),
        (f"hf:{REPOSITORY}/cut.gguf", "truncated GGUF"),
    ],
)
def test_what_the_hub_lacks_is_told_in_one_line(name: str, words: str, server: Hub, tmp_path: Path) -> None:
    error = str(ask(name, server.address, tmp_path / "home")["error"])
    assert words in error
    assert "\n" not in error


@pytest.mark.parametrize("environment", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_no_network_is_told_with_a_way_out(environment: dict[str, str], tmp_path: Path) -> None:
    answer = ask("hf:a/b/m.gguf", "http://127.0.0.1:9", tmp_path / "home", **environment)
    assert "the hub cannot be reached" in str(answer["error"])
    assert "built-in" in str(answer["hint"])


@pytest.mark.parametrize("name", ["hf:", "hf:m.gguf", "hf:owner/m.gguf", "hf:a/b/../c.gguf", "hf:a/b@/m.gguf"])
def test_names_of_another_form_are_refused_without_asking(name: str) -> None:
    with pytest.raises(ModelError):
        resolve(name)


def test_only_gguf_is_fetched() -> None:
    with pytest.raises(ModelError, match=r"only \.gguf files"):
        resolve("hf:a/b/pytorch_model.bin")


def test_names_are_read() -> None:
    assert hub.parse("hf:a/b.c/d/e.gguf") == hub.HubFile("a/b.c", None, "d/e.gguf")
    assert hub.parse("hf:a/b@refs-1/e.gguf") == hub.HubFile("a/b", "refs-1", "e.gguf")
