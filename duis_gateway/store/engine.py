"""The store: one database, opened by URL, read in snapshots and written in blocks that are durable when they end."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, Select, create_engine, event, func, literal_column, select
from sqlalchemy.engine import URL

from duis_gateway.errors import ConfigurationError, NotDurable
from duis_gateway.store import migrate, room
from duis_gateway.store.bulk import plan_for_lists
from duis_gateway.store.failpoints import failpoint
from duis_gateway.store.faults import database_faults, what_to_do
from duis_gateway.store.group_commit import GroupCommit
from duis_gateway.store.process_lock import ProcessLock
from duis_gateway.store.sqlite_dialect import READER, WRITER, create
from duis_gateway.store.url import parse, with_driver
from duis_gateway.text.controls import shown

log = logging.getLogger(__name__)

_READERS = 16
_LOG_BYTES = 64 * 1024 * 1024
_RELEASE_LOCKS = 0x44554953  # the first key of our advisory locks; the second is the release


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How the store behaves under pressure.

    Attributes:
        timeout: seconds to wait for other writers, for a connection, and for the answer to a ping, before `NotDurable`.
        statement_timeout: seconds that one statement may take before `NotDurable` (PostgreSQL); None: without limit.
            Bulk work (`write(alone=True)`) has none in any case.
        group_seconds: how long a block that has ended may wait for others to share its commit (SQLite); none waits
            while nobody else is there.
        min_free_bytes: below this much free disk nothing new is accepted (SQLite; threat F09).
        pool_size: connections to PostgreSQL at most.
        lock_path: the lock between processes (SQLite); None: beside the database.
        committed: is told how many seconds each commit took; must neither block nor raise.
    """

    timeout: float = 5.0
    statement_timeout: float | None = None
    group_seconds: float = 0.010
    min_free_bytes: int = 0
    pool_size: int = 20
    lock_path: Path | None = None
    committed: Callable[[float], None] | None = None


class Store:
    """One database. Thread-safe; made by `Store.open`."""

    def __init__(self, url: URL, options: StoreOptions) -> None:
        self.url = url
        self.options = options
        self.sqlite_path = _sqlite_path(url)
        self._beside = (f"{self.sqlite_path}-wal", f"{self.sqlite_path}-shm")
        self._group: GroupCommit | None = None
        self._awaited: NotDurable | None = None
        self._file: tuple[int, int] | None = None
        self._made: dict[str, tuple[int, int]] = {}
        self._connections = 0
        self._noting = threading.Lock()
        self.engines: tuple[Engine, ...]
        if self.sqlite_path is not None:
            self.sqlite_path.parent.stat()
            _keep_temporary_data_in(self.sqlite_path.parent)
            writer = _sqlite_engine(url, options, writes=True)
            lock = ProcessLock(options.lock_path or Path(f"{self.sqlite_path}.lock"), like=self.sqlite_path)
            self._group = GroupCommit(
                writer,
                lock,
                options.timeout,
                seconds=options.group_seconds,
                committed=options.committed,
                where=self.shown_url,
            )
            self.engines = (writer, _sqlite_engine(url, options, writes=False))
            self._reader = self.engines[1]
            for engine in self.engines:
                event.listen(engine, "connect", self._note_file)
                event.listen(engine, "close", self._note_end)
        else:
            from duis_gateway.store import postgresql  # its driver is optional

            self._postgresql = postgresql
            self._commits = postgresql.Commits(options.timeout)
            writer = postgresql.open_engine(url, options.pool_size, options.timeout)
            self.engines = (writer,)
            self._reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writer = writer

    @classmethod
    def open(cls, url: str, options: StoreOptions | None = None) -> Store:
        """Open the database that the URL names; connects only when first used.

        Args:
            url: `sqlite:///path/to/gateway.db`, or `postgresql://user@host/name`.
            options: None means the defaults.

        Raises:
            ConfigurationError: the URL is none of these, its path is not UTF-8, or its directory or driver is missing.
        """
        parsed = parse(url)
        try:
            return cls(with_driver(parsed), options or StoreOptions())
        except OSError as error:
            said = f"{error.filename}: {error.strerror}; {what_to_do(error)}"
            raise ConfigurationError(f"the database's directory cannot be used: {said}") from error
        except UnicodeError as error:
            raise ConfigurationError(
                f"the database's path {shown(parsed.database or '')} is not UTF-8, as SQLite needs it: "
                "rename its folder or file"
            ) from error
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "PostgreSQL needs the extra `postgresql`: pip install '.[postgresql]' in a clone, by this Python's pip"
            ) from error

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.sqlite_path is not None

    @property
    def waiting(self) -> int:
        """How many threads of this process wait to write (SQLite)."""
        return 0 if self._group is None else self._group.waiting

    @property
    def shown_url(self) -> str:
        """The URL without its password, for logs and messages."""
        if self.is_sqlite:
            return f"sqlite:///{self.sqlite_path}"
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database, whatever is written meanwhile.

        Raises:
            NotDurable: the database cannot be reached.
        """
        self._require_arrival()
        with self._read() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with (
            database_faults(self.shown_url),
            self._connect(self._reader) as connection,
            self._patient(connection, self.options.statement_timeout),
            connection.begin(),
        ):
            if not self.is_sqlite:
                self._postgresql.limit_lock_waits(connection, self.options.timeout)
            yield connection

    def _connect(self, engine: Engine) -> Connection:
        if self.is_sqlite:
            return engine.connect()
        with self._postgresql.one_deadline(self.options.timeout):
            return engine.connect()

    @contextmanager
    def write(self, *, alone: bool = False, long: bool = False, accepting: bool = False) -> Iterator[Connection]:
        """A connection to write with. What was done with it is durable when the block has ended.

        A block that raises leaves nothing behind, and nothing of other blocks is lost. A block must not open another
        in the same thread.

        Args:
            alone: bulk work of any length (SQLite: as `long`; PostgreSQL: no deadline for a statement).
            long: it takes seconds, and other messages should not have to wait for it (SQLite: no shared commit, and
                the quick ones go first).
            accepting: new work is taken in here: refused while the disk is nearly full, so that what was accepted
                before can still be delivered (threat F09).

        Raises:
            NotDurable: locked for too long, disk full, connection lost, commit failed.
        """
        self._require_arrival()
        if accepting:
            self.require_space()
        if self._group is not None:
            with self._group.block(alone or long) as connection:
                yield connection
            return
        seconds = None if alone else self.options.statement_timeout
        with (
            database_faults(self.shown_url),
            self._postgresql.renewed_where_read_only(self._writer),
            self._connect(self._writer) as connection,
            self._patient(connection, seconds),
        ):
            with connection.begin() as transaction:
                self._postgresql.limit_transaction(connection, self.options.timeout, seconds)
                self._commits.require_if_lost(connection)
                yield connection
                failpoint("store.before-commit")
                took = self._commits.make(connection, transaction, seconds if alone or long else self.options.timeout)
            if self.options.committed is not None:
                self.options.committed(took)
            failpoint("store.after-commit")

    @contextmanager
    def undone(self, *, long: bool = False, accepting: bool = False) -> Iterator[Connection]:
        """A connection as of `write`, to find out what a change would come to: nothing that was done with it stays."""
        with suppress(_TakenBack), self.write(long=long, accepting=accepting) as connection:
            yield connection
            raise _TakenBack

    def require_space(self) -> None:
        """Refuse new work while a SQLite database has too little room (NotDurable), as `room.require_space` has it."""
        if self.sqlite_path is not None:
            room.require_space(self.sqlite_path, self.options.min_free_bytes)

    def probe(self) -> None:
        """Find out whether a message could be taken now, by a change that is taken back at once.

        Raises:
            NotDurable: it could not; the text says why. If it is that a newer gateway has migrated the database, and
                this one does not work with its tables, everything is refused from now on.
        """
        self.require_space()
        if self.sqlite_path is not None:
            room.require_room(self.sqlite_path.parent)
        with self.undone(accepting=True) as connection:
            if not self.is_sqlite:
                self._postgresql.require_rights(connection)
                self._postgresql.require_sequences(connection)
                self._postgresql.try_locks(connection)
                self._commits.require(connection)
            migrate.touch(connection)  # last: whoever migrates has locked tables, and then wants this row
            self.awaits(migrate.outdated(connection))
            self._require_arrival()

    def lock_release(self, connection: Connection, release_id: str) -> None:
        """Let no other writer work on this release until the block ends: it decides about lists of hubs.

        SQLite has one writer at a time in any case.
        """
        if connection.dialect.name == "postgresql":
            key = zlib.crc32(release_id.encode()) - (1 << 31)
            connection.execute(select(func.pg_advisory_xact_lock(_RELEASE_LOCKS, key)))
            plan_for_lists(connection)

    def migrate(self, *, rolling: bool = False) -> bool:
        """Bring the schema to this version of the gateway, as `migrate.migrate` does; safe to run again, and at once.

        Raises (besides): ConfigurationError where its directory cannot be used, NotDurable where it cannot be written.
        """
        if self.sqlite_path is not None:
            create(self.sqlite_path)
        return migrate.beside_others(partial(self._migrate, rolling))

    def _migrate(self, rolling: bool) -> bool:
        with self.write(alone=True) as connection:
            return migrate.migrate(connection, self.shown_url, rolling=rolling)

    def check(self) -> None:
        """Look whether the database can be used as it is (threats F06, F10).

        Raises:
            StoreUnusable: not migrated, half migrated, of a newer gateway, or corrupt; the text says what to do.
            NotDurable: it cannot be reached.
        """
        migrate.check(self._read, self.sqlite_path, self.shown_url)

    def awaits(self, absence: NotDurable | None) -> None:
        """Refuse to read and write, but for `check`, while the database has not been looked at; None: no longer.

        `absence`: why it could not be looked at, for those who are refused.
        """
        self._awaited = absence

    def _require_arrival(self) -> None:
        if self._awaited is not None:
            raise NotDurable(self._awaited.detail, reason=self._awaited.reason)
        self._require_file()

    def _note_file(self, _connection: Any, _record: Any) -> None:
        """Note which file the first connection opened."""
        with self._noting:
            self._connections += 1
            if self._file is None and self.sqlite_path is not None:
                self._file = _identity(str(self.sqlite_path))

    def _note_end(self, _connection: Any, _record: Any) -> None:
        """Forget the log and its index with the last connection, which takes them away."""
        with self._noting:
            self._connections -= 1
            if not self._connections:
                self._made.clear()

    def _require_file(self) -> None:
        # Connections keep the files that they opened: what is written after one was removed or replaced is in no file
        # that anybody will find again.
        if self.sqlite_path is None or self._file is None:
            return
        found = _identity(str(self.sqlite_path))
        if found != self._file:
            what = "is gone" if found is None else "is a different file from the one at the start"
            raise _misplaced(
                f"{self.sqlite_path} {what}; put it back, or restart the gateway once the right one is there"
            )
        # Without the index that all processes share, a further one would make another and write over the log of these.
        for name in self._beside:
            found = _identity(name)
            if name in self._made and found != self._made[name]:
                raise _misplaced(
                    f"{name} was removed while the gateway was running; stop the gateway, which then writes what it "
                    "held into the database, and start it again"
                )
            if found is not None:
                self._made[name] = found

    def _patient(self, connection: Connection, seconds: float | None) -> AbstractContextManager[None]:
        return nullcontext() if self.is_sqlite else self._postgresql.patient(connection, seconds)

    def close(self) -> None:
        """Close every connection; blocks that still run are the caller's fault."""
        for engine in self.engines:
            engine.dispose()
        if self._group is not None:
            self._group.close()


class _TakenBack(Exception):
    """Undoes what a probe has changed."""


def database_time(dialect_name: str) -> Any:
    """Return the database's clock in seconds, as an expression for use inside statements.

    The only clock of leases and back-off: it is one for all processes, and nobody freezes it (threat F23).
    """
    if dialect_name == "postgresql":
        return literal_column("extract(epoch FROM clock_timestamp())::double precision")
    return literal_column("((julianday('now') - 2440587.5) * 86400.0)")


def now_seconds(connection: Connection) -> float:
    """Return the database's clock in seconds since 1970."""
    return float(connection.execute(_time(connection.dialect.name)).scalar_one())


@cache
def _time(dialect_name: str) -> Select[float]:
    return select(database_time(dialect_name))


def _sqlite_path(url: URL) -> Path | None:
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _misplaced(reason: str) -> NotDurable:
    return NotDurable("the gateway's database cannot be used", reason=reason)


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file from any other while it exists; None where there is none. Asked for each transaction."""
    try:
        found = os.stat(path)  # a Path makes itself anew for it, which takes five times as long
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _sqlite_engine(url: URL, options: StoreOptions, *, writes: bool) -> Engine:
    engine = create_engine(
        url.set(drivername=WRITER if writes else READER),
        poolclass=QueuePool,
        pool_size=1 if writes else _READERS,
        max_overflow=0,
        pool_timeout=options.timeout,
        connect_args={"check_same_thread": False, "timeout": options.timeout},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
        for pragma in _pragmas(writes):
            connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _keep_temporary_data_in(folder: Path) -> None:
    """Let SQLite put its temporary files beside the database, where there has to be room in any case.

    A container's /tmp may be read-only or full; in memory they might become too large. Where SQLite was built without
    this setting, its own places stay (https://www.sqlite.org/tempfiles.html).

    Raises:
        UnicodeError: the octets of its path are not UTF-8.
    """
    path = os.fsencode(folder.absolute()).decode()  # Python reads names as the locale says, SQLite as UTF-8 always
    connection = sqlite3.connect(":memory:")
    try:
        wanted = path.replace("'", "''")
        if connection.execute("PRAGMA temp_store_directory").fetchone() != (path,):
            connection.execute(f"PRAGMA temp_store_directory = '{wanted}'")
    except sqlite3.Error as error:
        log.warning("SQLite cannot keep temporary files in %s: %s", folder, error)
    finally:
        connection.close()


def _pragmas(writes: bool) -> tuple[str, ...]:
    if writes:
        durable = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
        return (*durable, "cache_size = -32768", f"journal_size_limit = {_LOG_BYTES}")
    return ("query_only = ON", "cache_size = -4096")
