"""Which messages a party has taken: the gateway delivers at least once, and a repeat has the same id."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from duis_gateway.client.arguments import expect, path_of
from duis_gateway.client.errors import SetupWrong

_COLUMNS = [("id", "TEXT"), ("digest", "BLOB")]
_ANOTHER = "name a file that does not exist yet, in a writable folder; `InFile` creates it"


@runtime_checkable
class Repeats(Protocol):
    """Remembers what was taken; may be used by any number of threads at a time."""

    def digest_of(self, message_id: str) -> bytes | None:
        """Return the digest of the message that was taken under this id; None: none was."""

    def remember(self, message_id: str, digest: bytes) -> None:
        """Take note that a message has been taken."""


class InMemory:
    """The newest ids of this process: enough for tests, and where a second N64 for a hub does no harm."""

    def __init__(self, most: int = 1_000_000) -> None:
        expect("most", most, int, "a number of ids")
        if most < 1:
            raise SetupWrong(f"most={most} is not a number of ids from 1")
        self._most = most
        self._lock = threading.Lock()
        self._digests: OrderedDict[str, bytes] = OrderedDict()

    def digest_of(self, message_id: str) -> bytes | None:
        """Return the digest of the message that was taken under this id; None: none was."""
        with self._lock:
            return self._digests.get(message_id)

    def remember(self, message_id: str, digest: bytes) -> None:
        """Take note that a message has been taken, and forget the oldest where there are too many."""
        with self._lock:
            self._digests[message_id] = digest
            if len(self._digests) > self._most:
                self._digests.popitem(last=False)


class InFile:
    """Every id, in an SQLite file of its own, across restarts and for several processes of a machine."""

    def __init__(self, path: Path | str) -> None:
        """Open the file, which is made where it is not there.

        Raises:
            SetupWrong: it cannot be opened or written, or is the file of something else, which is left as it is.
        """
        self._path = path_of("the file of InFile", path)
        self._lock = threading.Lock()
        with self._usable():
            self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=30)
            try:
                self._begin()
            except BaseException:
                self._connection.close()
                raise

    def digest_of(self, message_id: str) -> bytes | None:
        """Return the digest of the message that was taken under this id; None: none was."""
        with self._usable(), self._lock:
            row = self._connection.execute("SELECT digest FROM taken WHERE id = ?", (message_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def remember(self, message_id: str, digest: bytes) -> None:
        """Take note that a message has been taken; on disk when this returns (SetupWrong: it cannot be written)."""
        with self._usable(), self._lock:
            self._connection.execute("INSERT OR IGNORE INTO taken VALUES (?, ?)", (message_id, digest))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _begin(self) -> None:
        """Make the table, unless it is there, or another's file is."""
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        columns = [row[1:3] for row in self._connection.execute("PRAGMA table_info(taken)")]
        if tables and (tables != {"taken"} or columns != _COLUMNS):
            raise self._wrong(f"is some other database (it has the table {min(tables)})")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS taken (id TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID")

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._wrong(f"cannot be used: {error}") from None

    def _wrong(self, why: str) -> SetupWrong:
        return SetupWrong(f"{self._path}, the file of messages taken, {why}", _ANOTHER)
