"""SQLite as the store uses it: a transaction begins where SQLAlchemy begins one, and a writer's waits there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from duis_gateway.errors import ConfigurationError


class Reader(SQLiteDialect_pysqlite):
    """Begins transactions that only read.

    A listener for the engine's event `begin` would do as well, but costs every statement a quarter of its time.
    """

    supports_statement_cache = True
    begin_statement = "BEGIN"

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a transaction, on a connection whose driver begins none by itself."""
        dbapi_connection.execute(self.begin_statement).close()


class Writer(Reader):
    """Begins transactions that have the database's one write lock from the start."""

    supports_statement_cache = True
    begin_statement = "BEGIN IMMEDIATE"


READER, WRITER = "sqlite+duis_reader", "sqlite+duis_writer"
"""The names under which SQLAlchemy finds them."""

registry.register("sqlite.duis_reader", __name__, Reader.__name__)
registry.register("sqlite.duis_writer", __name__, Writer.__name__)


def create(path: Path) -> None:
    """Make an empty database for its owner alone, if there is none; SQLite gives its other files the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigurationError(f"the database {path} cannot be created: {error.strerror}") from None
