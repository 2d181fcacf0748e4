"""Which messages a party has taken: the gateway delivers at least once, and a repeat has the same id."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Protocol


class Repeats(Protocol):
    """Remembers what was taken; may be used by any number of threads at a time."""

    def digest_of(self, message_id: str) -> bytes | None:
        """Return the digest of the message that was taken under this id; None: none was."""

    def remember(self, message_id: str, digest: bytes) -> None:
        """Take note that a message has been taken."""


class InMemory:
    """The newest ids of this process: enough for tests, and where a second N64 for a hub does no harm."""

    def __init__(self, most: int = 1_000_000) -> None:
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
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS taken (id TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID")

    def digest_of(self, message_id: str) -> bytes | None:
        """Return the digest of the message that was taken under this id; None: none was."""
        with self._lock:
            row = self._connection.execute("SELECT digest FROM taken WHERE id = ?", (message_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def remember(self, message_id: str, digest: bytes) -> None:
        """Take note that a message has been taken; on disk when this returns."""
        with self._lock:
            self._connection.execute("INSERT OR IGNORE INTO taken VALUES (?, ?)", (message_id, digest))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
