"""Two PostgreSQL servers of a test's own: a primary, and a standby without which nothing is committed (threat F11)."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from duis_gateway.store.engine import Store
from tests.support.databases import SERVER_USER, administrate, programs
from tests.support.ports import free_port

_ROLE = "gateway"
_DATABASE = "duis_gateway"


class Server:
    """One of the two, by its folder and its port on this machine."""

    def __init__(self, folder: Path, fsync: str = "off") -> None:
        self.data = folder
        self._fsync = fsync
        self.port = free_port()
        self._pid: int | None = None

    @property
    def url(self) -> str:
        """The URL of this server alone."""
        return f"postgresql+psycopg://{_ROLE}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Listen."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c fsync={self._fsync} -k {self.data}"
        run("pg_ctl", "-w", "-D", str(self.data), "-l", str(self.data / "log"), "-o", options, "start")
        self._pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def waiting_commits(self) -> int:
        """Return how many sessions wait for the standby."""
        store = Store.open(self.url.replace("+psycopg", ""))
        try:
            with store.read() as connection:
                found = connection.execute(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
                return int(found.scalar_one())
        finally:
            store.close()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every process of it, as far as it runs."""
        if self._pid is None:
            return
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text(encoding="ascii")
        for pid in (self._pid, *map(int, children.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def crash(self) -> None:
        """Let it end at once, with nothing written that it was not made to write; it can be started again."""
        run("pg_ctl", "-w", "-D", str(self.data), "-m", "immediate", "stop")
        self._pid = None

    def kill(self) -> None:
        """Let it be gone from one moment to the next, as with its machine."""
        self.send(signal.SIGKILL)
        self._pid = None


class Cluster:
    """The two; `url` names both hosts, as an operator writes it into `[store] url`."""

    def __init__(self, primary: Server, standby: Server) -> None:
        self.primary, self.standby = primary, standby
        hosts = "&".join(f"host=127.0.0.1:{one.port}" for one in (primary, standby))
        self.url = f"postgresql://{_ROLE}@/{_DATABASE}?{hosts}&target_session_attrs=read-write"

    def fail_over(self) -> None:
        """Let the primary's machine be gone, and the standby be told to take its place."""
        self.primary.kill()
        self.standby.send(signal.SIGCONT)
        run("pg_ctl", "-w", "-D", str(self.standby.data), "promote")
        # As a manager of such a pair does: the one that is left has nobody to wait for.
        administrate(
            make_url(self.standby.url), "ALTER SYSTEM SET synchronous_standby_names TO ''", "SELECT pg_reload_conf()"
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A primary with an empty, migrated database, and a synchronous standby that has all of it."""
    with ExitStack() as stack:
        folder = _folder(stack)
        primary, standby = _started(stack, folder / "primary"), Server(folder / "standby")
        source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", _ROLE]
        run("pg_basebackup", *source, "-D", str(standby.data), "-R", "-X", "stream", "-c", "fast")
        stack.callback(standby.kill)
        standby.start()
        administrate(
            make_url(primary.url),
            f"CREATE DATABASE {_DATABASE}",
            "ALTER SYSTEM SET synchronous_standby_names TO '*'",
            "SELECT pg_reload_conf()",
        )
        both = Cluster(primary, standby)
        store = Store.open(both.url)
        store.migrate()
        store.close()
        yield both


@contextmanager
def lone_server(fsync: str = "off") -> Iterator[Server]:
    """A server of the test's own, which it may kill, and start again; an operator's has `fsync` on."""
    with ExitStack() as stack:
        yield _started(stack, _folder(stack) / "alone", fsync)


def _folder(stack: ExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="duis-cluster-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    if SERVER_USER is not None:
        os.chown(folder, pwd.getpwnam(SERVER_USER).pw_uid, -1)
    return folder


def _started(stack: ExitStack, folder: Path, fsync: str = "off") -> Server:
    server = Server(folder, fsync)
    run("initdb", "-A", "trust", "-U", _ROLE, "-E", "UTF8", "-D", str(server.data))
    stack.callback(server.kill)
    server.start()
    return server


def run(program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs as the user who may."""
    done = subprocess.run(
        [programs() / program, *words],
        user=SERVER_USER,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    assert done.returncode == 0, f"{program} ended with {done.returncode}"
