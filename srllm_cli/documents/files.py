"""Documents on disk: bytes to text and back without loss, and a write that leaves the old file or the new one.

It knows encodings and the file system; what is in a document it doesn't know.
"""

from __future__ import annotations

import codecs
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from srllm_cli.errors import InputError

#: UTF-32 is recognised to be refused: its mark begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HINT_UTF8 = "srllm reads UTF-8, and UTF-16 with a byte order mark; convert the file first"


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text without its byte order mark, and what it takes to write it back."""

    text: str
    bom: bytes
    encoding: str
    path: Path | None = None
    #: Modification time (ns) and size of the file when it was read: how a change made meanwhile is noticed.
    fingerprint: tuple[int, int] | None = None


def read_document(path: Path) -> Document:
    """Read a file, byte for byte (no newline translation).

    Raises:
        InputError: The file is missing, a directory or a device, not readable, binary, or in another encoding.
    """
    name = _shown(path)
    try:
        if path.is_dir():
            raise InputError(f"{name}: is a directory", "give the files in it, for instance with a shell pattern")
        with path.open("rb") as file:
            # Taken before reading: a change made while we read is then one made since.
            status = os.fstat(file.fileno())
            if stat.S_ISBLK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and not file.isatty()):
                raise InputError(f"{name}: is a device", "give a file, or pipe the text in")
            data = file.read()
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file") from error
    except PermissionError as error:
        raise InputError(f"{name}: permission denied", "check the file's mode") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return _decode(data, name, path, (status.st_mtime_ns, status.st_size))


def read_stream(stream: BinaryIO) -> Document:
    """Read a document from a binary stream, such as ``sys.stdin.buffer``.

    Raises:
        InputError: The bytes are binary or in another encoding, or the stream cannot be read.
    """
    try:
        data = stream.read()
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror or error}") from error
    return _decode(data, "standard input", None, None)


def encode(document: Document, new_text: str) -> bytes:
    """The bytes of a document whose text has become ``new_text``.

    Raises:
        InputError: The text holds a character that the document's encoding lacks (a lone surrogate).
    """
    try:
        return document.bom + new_text.encode(document.encoding)
    except UnicodeEncodeError as error:
        raise InputError(f"the text cannot be written as {document.encoding}: {error.reason}") from error


def write_atomic(document: Document, data: bytes) -> None:
    """Replace a document's file, so that at any moment it is the old file or the new one, and whole.

    A symbolic link stays one: the file it leads to is replaced. Mode is kept, owner and group where permitted.

    Raises:
        InputError: The document came from no file, its file changed since it was read, or it cannot be written.
    """
    if document.path is None:
        raise InputError("a document that was not read from a file cannot be written in place")
    name = _shown(document.path)
    try:
        target = document.path.resolve(strict=True)
        status = target.stat()
        if document.fingerprint is not None and document.fingerprint != (status.st_mtime_ns, status.st_size):
            raise InputError(f"{name}: changed since it was read; left as it is", "run srllm again")
        if not os.access(target, os.W_OK):
            raise InputError(f"{name}: is read-only; left as it is", "check the file's mode")
        _replace(target, data, status, document.fingerprint)
    except FileNotFoundError as error:
        raise InputError(f"{name}: vanished since it was read") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be written: {error.strerror or error}") from error


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not the document's own, whole or not at all. One that is there is replaced, its mode kept.

    Raises:
        InputError: It cannot be written.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():  # a pipe, a device: nothing there to keep whole
            target.write_bytes(data)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, data, target.stat() if target.exists() else None, None)
    except OSError as error:
        raise InputError(f"{_shown(path)}: cannot be written: {error.strerror or error}") from error


def _replace(target: Path, data: bytes, status: os.stat_result | None, fingerprint: tuple[int, int] | None) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.", suffix=".srllm")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A new owner drops set-id bits, so the owner comes before the mode.
        if status is not None and hasattr(os, "chown"):
            with suppress(OSError):
                os.chown(temporary, status.st_uid, status.st_gid)
        Path(temporary).chmod(_usual_mode() if status is None else stat.S_IMODE(status.st_mode))
        if fingerprint is not None:
            now = target.stat()
            if fingerprint != (now.st_mtime_ns, now.st_size):
                raise InputError(f"{target}: changed since it was read; left as it is", "run srllm again")
        Path(temporary).replace(target)
    except BaseException:  # also an interrupt: no half-written file may stay behind
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(target.parent)


def _usual_mode() -> int:
    """The mode that a new file would get (which can only be asked for by setting it)."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut, where the system lets a folder be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _decode(data: bytes, name: str, path: Path | None, fingerprint: tuple[int, int] | None) -> Document:
    bom, encoding = next(((mark, kind) for mark, kind in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    body = data[len(bom) :]
    if encoding.startswith("utf-32"):
        raise InputError(f"{name}: is in UTF-32", _HINT_UTF8)
    if encoding == "utf-8" and b"\0" in body:
        raise InputError(f"{name}: is a binary file (NUL at byte {data.index(0)})", "srllm rewrites text files")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        where = len(bom) + error.start
        raise InputError(
            f"{name}: is not valid {encoding.upper()[:6].rstrip('-')} at byte {where}", _HINT_UTF8
        ) from error
    if "\0" in text:
        raise InputError(f"{name}: is a binary file (it holds NUL characters)", "srllm rewrites text files")
    if encoding != "utf-8" and text.encode(encoding) != body:
        raise InputError(f"{name}: would not survive being read as {encoding.upper()}", _HINT_UTF8)
    return Document(text, bom, encoding, path, fingerprint)


def _shown(path: Path) -> str:
    """A path on one line, whatever is in it."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8").replace("\n", "\\n").replace("\r", "\\r")
