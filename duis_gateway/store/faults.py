"""Which errors of the drivers mean "not just now": the sender may try again (threats F07, F09, F11)."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from duis_gateway.errors import NotDurable
from duis_gateway.machine.files import TOO_MANY_FILES, means_too_many_files

_SQLITE_PRIMARY = 0xFF
_SQLITE_PASSING = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_NOTADB,
    }
)
_POSTGRESQL_PASSING = {
    "08": "connection lost",
    "09": "a trigger that somebody added, as are those of the classes 27, 38, 39 and P0: the gateway has none",
    "0A": "a server that lacks something, or a table that was changed while statements on it were prepared",
    "27": "as 09",
    "25006": "a standby, or set to read-only",
    "25P": "a transaction that the server ended because of its age",
    "28": "the role is no longer let in",
    "38": "as 09",
    "39": "as 09",
    "3D": "the database is gone",
    "3F": "the schema is gone, or search_path names none: see 42P01",
    "40": "deadlock, or a conflict with recovery on a standby",
    "42501": "a privilege was revoked",
    "42P01": "a table is gone, or search_path no longer leads to it: every statement names tables that were there",
    "53": "out of disk, memory or connections",
    "54000": "out of transaction numbers; the rest of class 54 says that a statement is too large or too complex",
    "55": "locked for too long, or not in a state for it (recovery)",
    "57": "shutting down, starting up, cancelled",
    "58": "I/O error",
    "72": "a snapshot too old",
    "F0": "the server's configuration",
    "HV": "a table that somebody has put on another server",
    "P0": "as 09",
    "XX": "damage, or a failure inside the server",
}
"""Beginnings of SQLSTATEs that speak of the database's state and not of our statement (PostgreSQL, Appendix A)."""
_BROKEN_TRANSACTION = "25P02"
"""The one exception: a statement in a transaction that had failed before, and whoever goes on in it is wrong."""


_CANNOT_OPEN = "unable to open database file"
GRANT_ALL = "GRANT ALL ON ALL TABLES, and ON ALL SEQUENCES, IN SCHEMA ... TO the role in [store] url"
_REMEDIES = {
    "deadlock detected": "others used the same tables just then; do it again",
    "Connection refused": "is PostgreSQL running there, and are the host and port in [store] url right?",
    "timeout expired": "is PostgreSQL running there, and can this machine reach it?",
    "resolve host": "is the host in [store] url right?",
    "password": "is the user in [store] url right, and the password in [store] password_file?",
    "no pg_hba.conf entry": "let this user in from this machine in the server's pg_hba.conf",
    "permission denied for table": f"as the owner of the tables: {GRANT_ALL}",
    "permission denied for sequence": f"as the owner of the tables: {GRANT_ALL}",
    "permission denied for schema": "as the database's owner: GRANT USAGE ON SCHEMA ... TO the role in [store] url",
    "permission denied for database": "as the database's owner: GRANT CONNECT ON DATABASE ... TO that role",
    'relation "': "was it migrated, and does search_path (of the role or the database) lead to its tables?",
    "must be owner of": "run `duis-gateway migrate` as the role that created the tables; the gateway may run as any "
    "other",
    'role ".*" does not exist': "is the user in [store] url right? Otherwise make it with CREATE ROLE name LOGIN",
    'role ".*" is not permitted to log in': "is the user in [store] url right? Otherwise let it: ALTER ROLE name LOGIN",
    'database ".*" does not exist': "is [store] url right? Otherwise make it: CREATE DATABASE name ENCODING 'UTF8' "
    "TEMPLATE template0",
    'database ".*" is not currently accepting connections': "somebody has closed it, for maintenance perhaps; what "
    "opens it: ALTER DATABASE name ALLOW_CONNECTIONS true",
    "too many connections for role": "all that this role may have are taken: end some, or ALTER ROLE name CONNECTION "
    "LIMIT number (-1: any number)",
    "too many connections for database": "all that this database may have are taken: end some, or ALTER DATABASE name "
    "CONNECTION LIMIT number (-1: any number)",
    "too many clients already|connection slots are reserved": "all that the server may have are taken: end some, or "
    "raise max_connections in its configuration",
    "attempt to write a readonly database": "give the user that runs this write access to the file and its folder",
    _CANNOT_OPEN: "give the user that runs this write access to the file and its folder",
    "database or disk is full": "make room on its disk",
    "database is locked": "another program holds it: is a backup or another gateway running?",
}
"""What to do, by a part of what the drivers say, as a regex: libpq gives no SQLSTATE for what ends before there is a
session."""


_LIBPQ_ASKS = re.compile(r"\s*Is the server running [^?]*\?")
"""What libpq asks beneath its reason; a remedy asks it in our words."""


def is_damage(error: BaseException | None) -> bool:
    """Return whether SQLite says that its file is corrupt, or is no database at all (threat F10)."""
    if isinstance(error, exc.DBAPIError):
        return is_damage(error.orig)
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _SQLITE_PRIMARY in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_passing(error: BaseException) -> bool:
    """Return whether this error is the database's state and not a defect of the statement."""
    if isinstance(error, exc.TimeoutError | exc.PendingRollbackError):  # no connection came free; the block's was lost
        return True
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_passing(error.orig))
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & _SQLITE_PRIMARY in _SQLITE_PASSING
    return _is_passing_on_postgresql(error)


def sqlstate_of(error: BaseException | None) -> str:
    """Return what PostgreSQL calls this error; empty where it is none of the server's."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    return getattr(original, "sqlstate", None) or ""


def _is_passing_on_postgresql(error: BaseException) -> bool:
    psycopg = sys.modules.get("psycopg")  # an optional driver: where it was never imported, no error is its
    if psycopg is None or not isinstance(error, psycopg.Error):
        return False
    state = sqlstate_of(error)
    if state:
        return state.startswith(tuple(_POSTGRESQL_PASSING)) and state != _BROKEN_TRANSACTION
    # What never came to the server or never came back: time-outs, refused and broken connections.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def not_durable(error: BaseException, where: str = "") -> NotDurable:
    """Return what the sender is told, with the driver's words and the database for operators.

    `where`: the database's URL without its password.
    """
    said = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    reason = f"{where}: {said}" if where else str(said)
    remedy = next((f" ({what})" for said_so, what in _REMEDIES.items() if re.search(said_so, reason)), "")
    if _CANNOT_OPEN in reason and _has_too_many_files():
        remedy = f" ({TOO_MANY_FILES})"
    if remedy:
        reason = _LIBPQ_ASKS.sub("", reason)
    refusal = NotDurable("the gateway's database cannot be used", reason=" ".join(reason.split()) + remedy)
    refusal.__cause__ = error
    return refusal


def what_to_do(error: OSError) -> str:
    """Return what to do where the folder of a SQLite file cannot be used."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "give the user that runs this write access there"
    if means_too_many_files(error):
        return TOO_MANY_FILES
    return "make it, or is [store] url right?"


def _has_too_many_files() -> bool:
    """Whether nothing more can be opened: SQLite does not say why, and its file must not be opened beside it.

    Closing that would give up the locks that this process has on it.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return means_too_many_files(error)
    return False


@contextmanager
def database_faults(where: str = "") -> Iterator[None]:
    """Turn the database's passing errors inside the block into `NotDurable`; others go through.

    `where`: the database's URL without its password, for the reason.

    Raises:
        NotDurable: locked, full, read-only, connection lost, no answer in time, pool exhausted, deadlock.
    """
    try:
        yield
    except Exception as error:
        if is_passing(error):
            raise not_durable(error, where) from error
        raise
