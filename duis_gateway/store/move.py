"""Moving a whole database from SQLite to PostgreSQL, in one transaction, and looking that all of it has arrived.

Rows are passed on as they are stored: what both databases keep is the same but for booleans, which are numbers in
SQLite. No more than a row is held at a time, and one row is as large as one message at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Boolean, Connection, Table, func, select, text

from duis_gateway.errors import StoreUnusable
from duis_gateway.store.bulk import Progress, quoted
from duis_gateway.store.engine import Store
from duis_gateway.store.migrate import newest_revision, revision_of
from duis_gateway.store.rollout_tables import metadata

_OF_DIGEST = 1 << 256
_TOLD = 10_000

Row = tuple[Any, ...]


@dataclass(slots=True)
class _Contents:
    """What a table holds, whatever the order of its rows: their number, and the sum of their digests."""

    rows: int = 0
    digest: int = field(default=0, repr=False)

    def noting(self, rows: Iterable[Row], passed: Callable[[], None]) -> Iterator[Row]:
        """Pass rows on, and note them."""
        for row in rows:
            self.rows += 1
            self.digest = (self.digest + int.from_bytes(sha256(repr(row).encode()).digest())) % _OF_DIGEST
            yield row
            passed()


def move(source: Store, target: Store, progress: Progress) -> dict[str, int]:
    """Copy everything that a SQLite database holds into an empty PostgreSQL database of the same version.

    The source is locked meanwhile, and stays as it is. Afterwards each table is read from the target and compared, row
    by row, with what was read from the source; numbers that the database gives out go on where the source was.

    Args:
        source: the SQLite database, of this version.
        target: the PostgreSQL database, migrated.
        progress: is told how many rows were copied or compared, and how many there are to be.

    Returns:
        The number of rows by table.

    Raises:
        StoreUnusable: the source is of another version or corrupt, the target is not empty, or it holds something else
            in the end; the target is then as it was.
        NotDurable: one of them cannot be used, or gateways are writing.
    """
    tables = metadata.sorted_tables
    with source.read() as old:
        _require_same_version(old, source.shown_url)
    source.check()
    with source.write(alone=True) as old, target.write(alone=True) as new:
        _require_empty(new, tables, target.shown_url)
        rows = sum(old.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
        counted = _Counted(2 * rows, progress)
        moved = {}
        for table in tables:
            sent, arrived = _Contents(), _Contents()
            _to_postgresql(new, table, sent.noting(_of_sqlite(old, table), counted.one_more))
            for _ in arrived.noting(_of_postgresql(new, table), counted.one_more):
                pass
            if arrived != sent:
                raise StoreUnusable(
                    f"{target.shown_url} holds different rows of {table.name} from {source.shown_url} "
                    f"({arrived.rows:,} of "
                    f"{sent.rows:,}); nothing was moved"
                )
            _go_on_counting(old, new, table)
            moved[table.name] = sent.rows
        # Otherwise PostgreSQL would plan the first hours for empty tables.
        new.execute(text("ANALYZE"))
    return moved


@dataclass(slots=True)
class _Counted:
    """How many rows have been copied or compared."""

    whole: int
    progress: Progress
    done: int = 0

    def one_more(self) -> None:
        self.done += 1
        if self.done % _TOLD == 0 or self.done == self.whole:
            self.progress(self.done, self.whole)


def _require_same_version(old: Connection, shown: str) -> None:
    revision, newest = revision_of(old), newest_revision()
    if revision != newest:
        raise StoreUnusable(
            f"{shown} is of another version of the gateway ({revision}, this is {newest}); bring it up to this one "
            "first: "
            f"DUIS_GATEWAY_STORE_URL={shown} duis-gateway migrate"
        )


def _require_empty(new: Connection, tables: Iterable[Table], shown: str) -> None:
    for table in tables:
        if new.execute(select(select(table).exists())).scalar_one():
            raise StoreUnusable(f"{shown} is not empty: it has rows in {table.name}; nothing was moved")


def _of_sqlite(old: Connection, table: Table) -> Iterator[Row]:
    booleans = [place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
    with old.exec_driver_sql(_selected(old, table)) as rows:
        for row in rows:
            stored = list(row)
            for place in booleans:
                stored[place] = None if stored[place] is None else bool(stored[place])
            yield tuple(stored)


def _to_postgresql(new: Connection, table: Table, rows: Iterable[Row]) -> None:
    with _cursor(new) as cursor, cursor.copy(f"COPY {_named(new, table)} FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def _of_postgresql(new: Connection, table: Table) -> Iterator[Row]:
    with _cursor(new) as cursor:
        selected = _selected(new, table)
        cursor.execute(f"{selected} LIMIT 0")
        kinds = [column.type_code for column in cursor.description]
        with cursor.copy(f"COPY ({selected}) TO STDOUT") as copying:
            copying.set_types(kinds)
            yield from copying.rows()


def _cursor(new: Connection) -> Any:
    # COPY is the driver's own; SQLAlchemy has no word for it.
    driver: Any = new.connection.driver_connection
    return driver.cursor()


def _selected(connection: Connection, table: Table) -> str:
    return f"SELECT {_columns(connection, table)} FROM {quoted(connection, table.name)}"  # noqa: S608


def _named(connection: Connection, table: Table) -> str:
    return f"{quoted(connection, table.name)} ({_columns(connection, table)})"


def _columns(connection: Connection, table: Table) -> str:
    return ", ".join(quoted(connection, column.name) for column in table.columns)


def _go_on_counting(old: Connection, new: Connection, table: Table) -> None:
    """Let the next row get the number that it would have got in the source."""
    counted = table.autoincrement_column
    if counted is None:
        return
    last = old.execute(select(func.max(counted))).scalar_one() or 0
    if table.dialect_options["sqlite"]["autoincrement"]:
        given = old.execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}).scalar()
        last = max(last, given or 0)
    if last:
        sequence = func.pg_get_serial_sequence(table.name, counted.name)
        new.execute(select(func.setval(sequence, last)))
