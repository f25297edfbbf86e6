"""An embedded store of results: SQLite, one table of keys and values. What the values mean it doesn't know.

Safe under processes that run side by side (SQLite's own locks, write-ahead log). A store that is broken is thrown away
and begun anew: all in it can be made again. Each value carries its digest, so that a flipped bit is a miss and never an
answer.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from srllm_cli.errors import InputError

#: Raised when the table's form changes: another file is then used.
VERSION = 1
FILE = f"results-{VERSION}.sqlite"
_DIGEST = 8
_AT_A_TIME = 500
_DAY = 86_400
#: Seconds to wait for another process that writes.
_PATIENCE = 60.0
#: The size in bytes above which the results that were not used for the longest time go.
MOST_BYTES = 512 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """How much a store holds. ``oldest`` is when its longest unused result was last used (seconds since the epoch)."""

    results: int
    bytes: int
    oldest: int | None


class ResultStore:
    """An open store (holds a connection; use from one thread, close it or use it in a ``with`` block)."""

    def __init__(self, path: Path) -> None:
        """Open the store, making it where there is none.

        Raises:
            InputError: when it can be neither opened nor made.
        """
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._try(self._open)

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the values of those keys that are there, and note that they were used."""
        return self._try(lambda: self._get_many(keys))

    def put_many(self, values: Mapping[bytes, bytes]) -> None:
        """Keep values, all of them or none."""
        rows = [(key, _digest(value) + value, int(time.time())) for key, value in values.items()]
        self._try(lambda: self._write("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", rows))

    def figures(self) -> StoreFigures:
        """Count what is there."""
        count, oldest = self._try(lambda: self._open().execute("SELECT count(*), min(used) FROM results").fetchone())
        return StoreFigures(count, self._size(), oldest)

    def prune(self, days: float) -> int:
        """Remove what was not used for so many days; return how many results went."""
        limit = int(time.time() - days * _DAY)
        return self._try(lambda: self._remove("DELETE FROM results WHERE used <= ?", (limit,)))

    def clear(self) -> int:
        """Remove everything; return how many results went."""
        return self._try(lambda: self._remove("DELETE FROM results", ()))

    def keep_bounded(self) -> None:
        """Remove the half that was not used for the longest time when the store has grown too big."""
        if self._size() > MOST_BYTES:
            half = "DELETE FROM results WHERE used <= (SELECT used FROM results ORDER BY used LIMIT 1 OFFSET ?)"
            self._try(lambda: self._remove(half, (self.figures().results // 2,)))

    # SQLite ----------------------------------------------------------------------------------------------------------

    def _try(self, work: Callable[[], T]) -> T:
        """Do something with the store; when the store turns out to be broken, do it again with a new one."""
        try:
            try:
                return work()
            except sqlite3.OperationalError:
                raise  # locked, full, not to be opened: not broken
            except sqlite3.DatabaseError:
                self._begin_anew()
                return work()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise InputError(f"{self.path}: the cache cannot be used: {error}", _HINT) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            # Nothing here needs to outlast a power cut, so no write waits for the disk.
            self._connection.execute("PRAGMA synchronous=OFF")
            if not self._has_table(self._connection):
                self._make_table(self._connection)
        return self._connection

    @staticmethod
    def _has_table(connection: sqlite3.Connection) -> bool:
        return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'results'").fetchone() is not None

    def _make_table(self, connection: sqlite3.Connection) -> None:
        """Make the table, one process at a time: SQLite does not wait where another one is switching to the log."""
        from filelock import FileLock  # only a new store needs it

        with FileLock(f"{self.path}.lock"):
            if not self._has_table(connection):
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS results"
                    " (key BLOB PRIMARY KEY, value BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID"
                )

    def _begin_anew(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):  # another process may begin anew as well
                self.path.with_name(self.path.name + suffix).unlink()

    def _get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        stale: list[bytes] = []
        today = int(time.time())
        for low in range(0, len(keys), _AT_A_TIME):
            some = keys[low : low + _AT_A_TIME]
            marks = ",".join("?" * len(some))
            query = f"SELECT key, value, used FROM results WHERE key IN ({marks})"  # noqa: S608 -- marks only
            for key, value, used in self._open().execute(query, some):
                if _digest(value[_DIGEST:]) == value[:_DIGEST]:
                    found[key] = value[_DIGEST:]
                    if used < today - _DAY:
                        stale.append(key)
        if stale:  # once a day: a hit should not have to write
            self._write("UPDATE results SET used = ? WHERE key = ?", [(today, key) for key in stale])
        return found

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(statement, rows)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _remove(self, statement: str, values: tuple[object, ...]) -> int:
        connection = self._open()
        gone = connection.execute(statement, values).rowcount
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _size(self) -> int:
        files = (self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())


_HINT = "set SRLLM_CACHE_DIR to a folder that can be written, or use --no-cache"


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_DIGEST).digest()
