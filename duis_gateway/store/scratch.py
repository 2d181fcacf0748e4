"""Devices that the lines of a file name, kept on disk while the file is checked: however many there are."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from duis_gateway.duis.identifiers import to_signed


class Claims(ExitStack):
    """Which hub each device belongs to, and the line that said so first: in a temporary file that goes at the end.

    The file is made with the first claim, in `folder`, or where the system has such (None).
    """

    def __init__(self, folder: Path | None) -> None:
        super().__init__()
        self._folder = folder
        self._connection: sqlite3.Connection | None = None

    def claim(self, device: int, hub: int, line: int) -> int | None:
        """Let a device belong to a hub; return the line that gave it to another, or None if none did.

        Raises:
            OSError: the file cannot be made or written.
        """
        try:
            return self._claim(self._connection or self._open(), to_signed(device), to_signed(hub), line)
        except sqlite3.Error as error:
            raise OSError(None, f"the GPFs cannot be checked in a temporary file: {error}") from error

    def _open(self) -> sqlite3.Connection:
        file = Path(self.enter_context(TemporaryDirectory(dir=self._folder)), "claims")
        self._connection = connection = self.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE claim (device INTEGER PRIMARY KEY, hub INTEGER NOT NULL, line INTEGER NOT NULL)"
        )
        connection.execute("BEGIN")  # one, so that no claim is written by itself
        return connection

    @staticmethod
    def _claim(connection: sqlite3.Connection, device: int, hub: int, line: int) -> int | None:
        if connection.execute("INSERT OR IGNORE INTO claim VALUES (?, ?, ?)", (device, hub, line)).rowcount:
            return None
        said = "SELECT line FROM claim WHERE device = ? AND hub <> ?"
        first = connection.execute(said, (device, hub)).fetchone()
        return None if first is None else int(first[0])
