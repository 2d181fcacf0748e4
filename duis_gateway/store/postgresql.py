"""PostgreSQL as the store uses it: every question has a deadline on our side, and a session keeps nothing of ours.

A server that falls silent may still acknowledge what it is sent, so neither keepalives nor its own time-outs end the
wait for it (threat F11). A pooler such as pgbouncer, which gives each transaction another session, takes no start-up
options and keeps no prepared statements: settings are made in each transaction, and statements are prepared only where
no pooler stands between.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event, exc, func, select, text
from sqlalchemy.engine import URL

from duis_gateway.errors import ConfigurationError, NotDurable
from duis_gateway.store.audit_tables import audit_waiting
from duis_gateway.store.faults import GRANT_ALL, is_passing, sqlstate_of
from duis_gateway.store.tables import (
    alert_counter,
    certificate,
    metadata,
    outbox,
    partner_message,
    partner_message_evidence,
    party,
    service_request,
    service_request_evidence,
)
from duis_gateway.text.counts import counted

_T = TypeVar("_T")
_MARGIN = 2.0
"""Seconds that the server's own refusal of a statement may take to come before the connection is cut."""
_OURS = {
    # What is written, and what is read of it: servers may round numbers, and write octets and texts as of old.
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    # What statements mean: lists are given as arrays in which NULL is none, and not a word of four letters.
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    # How long something may take: `[store] statement_timeout` says it, and what is bulk takes as long as it takes.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""What each transaction says for itself, whatever the server, the database or the role is set to."""
_FROM_17_ON = {"transaction_timeout": "0"}
_VERSION_17 = 17_00_00
_ON_DISK = "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
"""Nothing is acknowledged before it is durable; whether a standby has it too is the operator's to say (`local`)."""
_READ_ONLY = "25006"
_LEAST_SECONDS_TO_CONNECT = 2
_coming = threading.local()
"""`until`: by when this thread is to have its connection, on the monotonic clock, where it waits for one."""
_ENCODING = {"client_encoding": "utf8"}
"""No URL changes it: what is stored has letters of every script, and the driver gives octets where it is SQL_ASCII."""
_OPTIONS: dict[str, str | int] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""What a connection is asked for unless the URL says otherwise (libpq, "Parameter Key Words")."""
_READ = (party, certificate)
WRITTEN = (
    service_request,
    service_request_evidence,
    partner_message,
    partner_message_evidence,
    alert_counter,
    outbox,
    audit_waiting,
)
"""What has to be free of other programs' locks for messages to be taken in, whatever they say."""

_CHANGED = (alert_counter, outbox)
"""Of these, what changes rows that are there."""
_WANTED = {
    **{table: ["SELECT"] for table in metadata.sorted_tables},
    **{table: ["SELECT", "INSERT", *(["UPDATE"] if table in _CHANGED else [])] for table in WRITTEN},
}
_NEEDED = {
    "tables": [f'"{table.name}"' for table, rights in _WANTED.items() for _ in rights],
    "rights": [right for rights in _WANTED.values() for right in rights],
    "counted": [f'"{table.name}"' for table in WRITTEN if "id" in table.c],
}
_LACKING = text(
    "SELECT current_user AS role, what, wanted"
    " FROM unnest(CAST(:tables AS text[]), CAST(:rights AS text[])) AS needed (what, wanted)"
    " WHERE NOT has_table_privilege(what, wanted)"
    " UNION ALL SELECT current_user, what, 'USAGE' FROM ("
    "SELECT pg_get_serial_sequence(counted, 'id') AS what FROM unnest(CAST(:counted AS text[])) AS counted"
    ") AS sequences WHERE NOT has_sequence_privilege(what, 'USAGE, UPDATE')"
)

_LARGEST = (f"WHEN '\"{table.name}\"' THEN ({select(func.max(table.c.id))})" for table in WRITTEN if "id" in table.c)
_BEHIND = text(
    " ".join(
        (
            "SELECT what FROM (SELECT counted, pg_get_serial_sequence(counted, 'id') AS what",
            "FROM unnest(CAST(:counted AS text[])) AS counted) AS sequences",
            "WHERE what IS NOT NULL AND has_sequence_privilege(what, 'USAGE, SELECT')",
            "AND coalesce(pg_sequence_last_value(CAST(what AS regclass)), 0) < CASE counted",
            *_LARGEST,
            "END",
        )
    )
)

_WAITING_COMMITS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"
    " AND extract(epoch FROM clock_timestamp() - query_start) > :seconds"
)


_NOT_KNOWN = "it was being committed, and may have been changed or not (does a synchronous standby not answer?)"


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection on which nobody waits for the server for longer than `patience` seconds; None: without end."""

    patience: float | None = None

    def wait(self, gen: Generator[Any, Any, _T], *args: Any, **options: Any) -> _T:
        """Carry out one exchange with the server: a statement, a fetch, a commit.

        Raises:
            psycopg.OperationalError: it did not answer in time; the connection is closed, as the answer may still come.
        """
        if self.patience is not None:
            gen = self._in_time(gen, self.patience)
        return super().wait(gen, *args, **options)

    def _in_time(self, gen: Generator[Any, Any, _T], seconds: float) -> Generator[Any, Any, _T]:
        # The driver resumes the exchange some times a second, whether anything has come or not.
        deadline = monotonic() + seconds
        try:
            wanted = next(gen)
            while monotonic() < deadline:
                wanted = gen.send((yield wanted))
        except StopIteration as end:
            answer: _T = end.value
            return answer
        self.close()
        raise psycopg.OperationalError(f"the server did not answer within {seconds:g} seconds")


def open_engine(url: URL, pool_size: int, timeout: float) -> Engine:
    """Return an engine for a PostgreSQL database; it connects when first used.

    Args:
        url: with the driver's name in it.
        pool_size: connections at most.
        timeout: seconds that connecting, waiting for a free connection, and a ping may take.

    Raises:
        ConfigurationError: (when it connects) the URL has an option that does not exist.
    """
    wanted = {"connect_timeout": max(_LEAST_SECONDS_TO_CONNECT, int(timeout)), **_OPTIONS}
    options = {name: value for name, value in wanted.items() if name not in url.query} | _ENCODING
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        use_native_hstore=False,
        connect_args=options,
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> DeadlineConnection:
        if monotonic() > getattr(_coming, "until", monotonic()):
            # A ping has waited for an answer all the time: to connect anew would take as long again.
            raise psycopg.OperationalError(f"the server did not answer within {timeout:g} seconds")
        try:
            connection = DeadlineConnection.connect(*arguments, **options, autocommit=True)
        except psycopg.ProgrammingError as error:
            raise ConfigurationError(f"[store] url: {' '.join(str(error).split())}") from error
        connection.patience = timeout
        if _behind_pooler(connection):
            connection.prepare_threshold = None
        connection.autocommit = False
        return connection

    return engine


@contextmanager
def one_deadline(seconds: float) -> Iterator[None]:
    """Let a connection be taken out of the pool in this time, its ping and connecting anew together."""
    _coming.until = monotonic() + max(seconds, _LEAST_SECONDS_TO_CONNECT)
    try:
        yield
    finally:
        del _coming.until


@contextmanager
def renewed_where_read_only(engine: Engine) -> Iterator[None]:
    """Connect anew after a refusal to write: a session keeps the `default_transaction_read_only` it began with."""
    try:
        yield
    except Exception as error:
        if sqlstate_of(error) == _READ_ONLY:
            engine.dispose()
        raise


def _behind_pooler(connection: DeadlineConnection) -> bool:
    """Return whether the process that answers is another than the one that let us in."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row != (connection.info.backend_pid,)


@contextmanager
def patient(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Let each statement of the block take so many seconds, instead of those that a ping may take."""
    driver: Any = connection.connection.driver_connection
    before = driver.patience, driver.prepare_threshold
    driver.patience = None if seconds is None else seconds + _MARGIN
    try:
        yield
    finally:
        driver.patience, driver.prepare_threshold = before


def limit_transaction(connection: Connection, lock_seconds: float, statement_seconds: float | None) -> None:
    """Let the server give up what takes too long in this transaction, so that it holds nobody else's rows for ever.

    Without `statement_seconds` only the waiting for locks is limited, whatever the role is set to. Otherwise a
    transaction of ours that has fallen silent, because this machine has gone, ends too.
    """
    limits = {"lock_timeout": _milliseconds(lock_seconds)}
    if statement_seconds is not None:
        limits |= {
            "statement_timeout": _milliseconds(statement_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(2 * statement_seconds),
        }
    driver: Any = connection.connection.driver_connection
    # A connection that was read with before would ask for READ WRITE, which a standby refuses as unknown to it, and
    # which would override an operator's default_transaction_read_only.
    driver.read_only = None
    # One exchange for all of them, which therefore cannot be prepared.
    driver.execute(f"{_said(driver, limits)}; {_ON_DISK}", prepare=False)


def limit_lock_waits(connection: Connection, seconds: float) -> None:
    """Let the server give up waiting for a lock in this transaction, which only reads: DDL and LOCK stop readers."""
    driver: Any = connection.connection.driver_connection
    driver.execute(_said(driver, {"lock_timeout": _milliseconds(seconds)}), prepare=False)


def try_locks(connection: Connection) -> None:
    """Find out whether what every message needs can be read and written: somebody's DDL or LOCK may hold it.

    None is held while another is waited for, so that nobody else is caught in a deadlock.
    """
    modes = [(table, "ACCESS SHARE") for table in _READ] + [(table, "ROW EXCLUSIVE") for table in WRITTEN]
    tries = (
        f'SAVEPOINT tried; LOCK TABLE "{table.name}" IN {mode} MODE; ROLLBACK TO SAVEPOINT tried'
        for table, mode in modes
    )
    driver: Any = connection.connection.driver_connection
    driver.execute("; ".join(tries), prepare=False)


def require_rights(connection: Connection) -> None:
    """Find out whether this role may read all tables, and write those that every message needs.

    Where one role migrates and another serves, what is new belongs to the first, sequences among it.

    Raises:
        NotDurable: it may not; the reason names the rights that it lacks.
    """
    lacking = connection.execute(_LACKING, _NEEDED).all()
    if lacking:
        raise NotDurable(
            "the gateway's database cannot be used",
            reason=f"the role {lacking[0].role} lacks "
            + ", ".join(f"{one.wanted} ON {one.what}" for one in lacking)
            + f": as the owner of the tables: {GRANT_ALL}",
        )


def require_sequences(connection: Connection) -> None:
    """Find out whether the next row's number is free: a restore of the tables alone leaves their sequences behind.

    Raises:
        NotDurable: it is not; the reason names the sequences.
    """
    behind = connection.scalars(_BEHIND, {"counted": _NEEDED["counted"]}).all()
    if behind:
        raise NotDurable(
            "the gateway's database cannot be used",
            reason=f"the sequence {', '.join(behind)} is behind its table: set it with setval to the largest id there",
        )


class Commits:
    """The commits of one process: they wait without end for a synchronous standby that is gone or hangs.

    One that does not come back is given up in time. Its session stays with the server, and holds what it holds, until
    the standby is there again: so the next block asks first whether commits come back, before it leaves another.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds`: how long a commit may take before it is one that does not come back."""
        self._seconds = seconds
        self._lost = False

    def require(self, connection: Connection) -> None:
        """Find out whether commits come back.

        What it looks at is left by transactions before this one, so somebody must have tried; a role sees its own
        sessions.

        Raises:
            NotDurable: one of this role has waited for too long.
        """
        waiting = connection.execute(_WAITING_COMMITS, {"seconds": self._seconds}).scalar_one()
        self._lost = waiting > 0
        if waiting:
            raise NotDurable(
                "the gateway's database does not commit",
                reason=f"commits wait for a synchronous standby that does not answer ({counted(waiting, 'session')}): "
                "is it running, and can the primary reach it?",
            )

    def require_if_lost(self, connection: Connection) -> None:
        """Find it out before a block begins, if the last that was known is that they do not (NotDurable)."""
        if self._lost:
            self.require(connection)

    def make(self, connection: Connection, transaction: RootTransaction, seconds: float | None) -> float:
        """Commit, and wait for it as many seconds (None: without end); return how many it took.

        Raises:
            NotDurable: whether it was committed is not known: it did not come back, or the command was interrupted.
        """
        began = monotonic()
        try:
            with patient(connection, seconds):
                transaction.commit()
        except exc.DBAPIError as error:
            if sqlstate_of(error) or not is_passing(error):
                raise
            self._lost = True
            raise NotDurable("the gateway's database cannot be used", reason=f"{error.orig}; {_NOT_KNOWN}") from error
        except KeyboardInterrupt:
            raise NotDurable("interrupted", reason=_NOT_KNOWN) from None
        return monotonic() - began


def _said(driver: psycopg.Connection[Any], limits: dict[str, str]) -> str:
    """Return the statements by which a transaction says for itself what is `_OURS`, and these limits."""
    newer = _FROM_17_ON if driver.info.server_version >= _VERSION_17 else {}
    return "; ".join(f"SET LOCAL {name} = {value}" for name, value in (_OURS | newer | limits).items())


def _milliseconds(seconds: float) -> str:
    return str(max(1, int(seconds * 1000)))
