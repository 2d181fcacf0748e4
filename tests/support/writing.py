"""Small writes to a store, and what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from duis_gateway.operations import flags
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import operator_flag

AT = datetime(2031, 3, 31, 12, 0, tzinfo=UTC)


def note(connection: Connection, name: str) -> None:
    """Leave a row of this name."""
    flags.raise_flags(connection, [("test", name)], AT)


def write_note(store: Store, name: str) -> None:
    """Leave a row of this name, in a block of its own."""
    with store.write() as connection:
        note(connection, name)


def notes(store: Store) -> list[str]:
    """The names of the rows that are there, in order."""
    with store.read() as connection:
        return sorted(connection.execute(select(operator_flag.c.subject)).scalars())


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that gives no sign of its own when it happens."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.001)
