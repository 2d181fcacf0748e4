"""A hot standby of the tests' PostgreSQL server: it answers, and takes no writes (threat F11)."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cluster import run
from tests.support.databases import SERVER_USER, postgresql_server


class Standby:
    """A standby that runs; `socket` is the path of its Unix socket."""

    def __init__(self, data: Path, socket: str) -> None:
        self._data = data
        self.socket = socket

    def promote(self) -> None:
        """Let it take writes; it follows nobody any more."""
        run("pg_ctl", "-w", "-D", str(self._data), "promote")


@contextmanager
def hot_standby() -> Iterator[Standby]:
    """A standby that follows the tests' server."""
    primary = postgresql_server()
    host = str(primary.query.get("host", primary.host or "127.0.0.1"))
    folder = Path(tempfile.mkdtemp(prefix="duis-standby-"))
    if SERVER_USER is not None:
        os.chown(folder, pwd.getpwnam(SERVER_USER).pw_uid, -1)
    data = folder / "data"
    try:
        source = ["-h", host, "-p", str(primary.port or 5432), "-U", str(primary.username)]
        run("pg_basebackup", *source, "-D", str(data), "-R", "-X", "stream", "-c", "fast")
        listening = f"-c listen_addresses='' -c port=5432 -k {folder}"
        run("pg_ctl", "-w", "-D", str(data), "-l", str(folder / "log"), "-o", listening, "start")
        try:
            yield Standby(data, f"{folder}/.s.PGSQL.5432")
        finally:
            run("pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
