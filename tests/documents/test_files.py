from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from srllm_cli.documents import format_of, passages
from srllm_cli.documents.files import encode, read_document, read_stream, write_atomic
from srllm_cli.errors import InputError

ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"The man\n",
        b"The man",
        b"a\r\nb\rc\n\x0b\x0c \t\r\n",
        b"\xef\xbb\xbfThe m\xc3\xa4n\r\n",
        b"\xef\xbb\xbf\xef\xbb\xbfx",
        b"\xff\xfe" + "The mån\r\n".encode("utf-16-le"),
        b"\xfe\xff" + "The mån\r\n".encode("utf-16-be"),
        "x\u2028y\u0085z\ufeff".encode(),
    ],
)
def test_bytes_come_back_as_they_were(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    for document in (read_document(path), read_stream(io.BytesIO(data))):
        assert encode(document, document.text) == data
    write_atomic(read_document(path), data)
    assert path.read_bytes() == data


def test_the_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    document = read_stream(io.BytesIO(b"\xef\xbb\xbf# Men\n"))
    assert document.text == "# Men\n"
    assert encode(document, "# People\n") == b"\xef\xbb\xbf# People\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"abc\xff\n", "at byte 3"),
        (b"\xef\xbb\xbfab\xc3", "at byte 5"),
        (b"\x89PNG\0\0", "binary"),
        (b"\xff\xfea", "UTF-16 at byte 2"),
        (b"\xff\xfe" + "a\0".encode("utf-16-le"), "binary"),
        ("\ufeffThe man".encode("utf-32-le"), "UTF-32"),
        ("Männer".encode("latin-1"), "at byte 1"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    for read in (lambda: read_document(path), lambda: read_stream(io.BytesIO(data))):
        with pytest.raises(InputError, match=message) as caught:
            read()
        assert "\n" not in str(caught.value)
        assert caught.value.hint


def test_missing_files_and_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_document(tmp_path / "none.md")
    with pytest.raises(InputError, match="is a directory"):
        read_document(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError):
        read_document(tmp_path / "loop")
    with pytest.raises(InputError) as caught:
        read_document(Path("a\0b"))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(ROOT_USER, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        read_document(path)


def test_an_atomic_write_keeps_the_mode_and_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = tmp_path / "real" / "a.txt"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(path)
    write_atomic(read_document(link), b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    document = read_document(path)
    path.write_bytes(b"newer")
    with pytest.raises(InputError, match="changed since"):
        write_atomic(document, b"ours")
    assert path.read_bytes() == b"newer"
    path.unlink()
    with pytest.raises(InputError, match="vanished"):
        write_atomic(document, b"ours")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
def test_a_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    document = read_document(path)

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError if error is OSError else error):
        write_atomic(document, b"ours")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_document_from_a_stream_is_not_written_in_place() -> None:
    with pytest.raises(InputError):
        write_atomic(read_stream(io.BytesIO(b"x")), b"y")


def test_text_that_the_encoding_lacks_is_refused() -> None:
    with pytest.raises(InputError):
        encode(read_stream(io.BytesIO(b"x")), "\ud800")


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.md", "markdown"), ("a.MARKDOWN", "markdown"), ("b/a.mdx", "mdx"), ("a.txt", "plain"), ("md", "plain")],
)
def test_the_format_follows_the_suffix(name: str, format: str) -> None:
    assert format_of(name) == format_of(Path(name)) == format


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(ValueError, match="known are"):
        passages("x", "docx")
