"""Which errors of the drivers mean "not just now": the sender may try again (threats F07, F09, F11)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from duis_gateway.errors import NotDurable

_SQLITE_PRIMARY = 0xFF
_SQLITE_PASSING = frozenset(
    {
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
        sqlite3.SQLITE_NOTADB,
    }
)
_POSTGRESQL_PASSING = ("08", "25006", "40", "53", "55P03", "57", "58")
"""SQLSTATE: connection lost, server in recovery, deadlock, out of resources, lock timeout, shutdown, I/O error."""


def is_damage(error: BaseException | None) -> bool:
    """Return whether SQLite says that its file is corrupt, or is no database at all (threat F10)."""
    if isinstance(error, exc.DBAPIError):
        return is_damage(error.orig)
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _SQLITE_PRIMARY in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_passing(error: BaseException) -> bool:
    """Return whether this error is the database's state and not a defect of the statement."""
    if isinstance(error, exc.TimeoutError):  # no connection of the pool came free
        return True
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_passing(error.orig))
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & _SQLITE_PRIMARY in _SQLITE_PASSING
    if hasattr(error, "sqlstate"):  # psycopg's errors; the driver is optional and not imported here
        state = error.sqlstate
        return state.startswith(_POSTGRESQL_PASSING) if state else type(error).__name__ == "OperationalError"
    return False


def not_durable(error: BaseException) -> NotDurable:
    """Return what the sender is told; the database's own words stay in the cause."""
    refusal = NotDurable("the gateway's database cannot be used just now")
    refusal.__cause__ = error
    return refusal


@contextmanager
def database_faults() -> Iterator[None]:
    """Turn the database's passing errors inside the block into `NotDurable`; others go through.

    Raises:
        NotDurable: locked, full, read-only, connection lost, pool exhausted, deadlock.
    """
    try:
        yield
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        if is_passing(error):
            raise not_durable(error) from error
        raise
    except Exception as error:
        if hasattr(error, "sqlstate") and is_passing(error):
            raise not_durable(error) from error
        raise
