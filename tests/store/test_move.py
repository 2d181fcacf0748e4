"""Moving a SQLite database to PostgreSQL: all of it or nothing, and numbers go on where they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    select,
    text,
)

from duis_gateway.errors import StoreUnusable
from duis_gateway.store.engine import Store
from duis_gateway.store.move import move
from duis_gateway.store.rollout_tables import metadata
from duis_gateway.store.tables import failed_attempt, outbox, party
from duis_gateway.store.types import Names, Unsigned64, UtcTime, Version
from tests.support.databases import fresh_database

pytestmark = pytest.mark.postgresql
ROWS = 3
_MOMENT = datetime(2999, 12, 31, 23, 59, 59, 999999, UTC)
_VALUES: dict[type[Any], Callable[[int], Any]] = {
    Unsigned64: lambda n: (1 << 64) - 1 - n,
    UtcTime: lambda n: _MOMENT - timedelta(seconds=n),
    Version: lambda n: Decimal(f"5.{n}"),
    Names: lambda n: {"4G North", f"R{n}"},
    Text: lambda n: f'\\N\t"{n}"\n\\\u0085 \u00e9\u4e2d\U0001f4a1',
    LargeBinary: lambda n: bytes(range(256)) * n,
    Boolean: lambda n: n % 2 == 0,
    Float: lambda n: 1796083200.1 + n / 3,
    Integer: lambda n: n,
    BigInteger: lambda n: n,
}
_WORDS = {"state": "dead", "channel": "email"}


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Store]:
    yield from opened("sqlite", tmp_path)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    yield from opened("postgresql", tmp_path)


def opened(kind: str, folder: Path) -> Iterator[Store]:
    with fresh_database(kind, folder) as url, closing(Store.open(url)) as store:
        yield store


def value(table: Table, column: Column[Any], number: int) -> Any:
    """A value that is hard to move; the same for the same number, so that keys of other tables are met."""
    if table is outbox and column.name in _WORDS:
        return _WORDS[column.name]
    if column.nullable and number == 1:
        return None
    (other,) = (*column.foreign_keys, None)[:1]
    wanted = column if other is None else other.column
    kind = next(kind for kind in type(wanted.type).__mro__ if kind in _VALUES)
    return _VALUES[kind](number)


def fill(store: Store) -> None:
    """Put rows into every table."""
    with store.write() as connection:
        for table in metadata.sorted_tables:
            for number in range(1, ROWS + 1):
                row = {column.name: value(table, column, number) for column in table.columns}
                connection.execute(insert(table).values(row))


def contents(store: Store) -> dict[str, list[Any]]:
    with store.read() as connection:
        return {one.name: sorted(map(repr, rows(connection, one))) for one in metadata.sorted_tables}


def rows(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    """What a table holds; of a set of names the order is not its own."""
    found = connection.execute(select(table)).all()
    return [tuple(sorted(one) if isinstance(one, frozenset) else one for one in row) for row in found]


def test_all_of_it_is_moved_whatever_it_holds(source: Store, target: Store) -> None:
    fill(source)
    told: list[tuple[int, int]] = []
    before = contents(source)
    assert move(source, target, lambda *done: told.append(done)) == dict.fromkeys(before, ROWS)
    assert contents(target) == contents(source) == before
    assert told[-1] == (2 * ROWS * len(before),) * 2


def test_numbers_go_on_where_they_were(source: Store, target: Store) -> None:
    """A number of the outbox that was given out once is never another message's, though its row has gone."""
    fill(source)
    with source.write() as connection:
        connection.execute(delete(failed_attempt))
        connection.execute(delete(outbox).where(outbox.c.id == ROWS))
    move(source, target, lambda *_: None)
    with target.write() as connection:
        again = {column.name: value(outbox, column, 9) for column in outbox.columns if column.name != "id"}
        assert connection.execute(insert(outbox).values(again).returning(outbox.c.id)).scalar_one() == ROWS + 1


def test_a_database_that_holds_something_is_not_moved_into(source: Store, target: Store) -> None:
    fill(source)
    with target.write() as connection:
        row = {column.name: value(party, column, 7) for column in party.columns}
        connection.execute(insert(party).values(row))
    before = contents(target)
    with pytest.raises(StoreUnusable, match="is not empty: it has rows in party"):
        move(source, target, lambda *_: None)
    assert contents(target) == before


def test_what_arrives_otherwise_is_not_moved(source: Store, target: Store) -> None:
    fill(source)
    with target.write() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN NEW.url := lower(NEW.url) || '?'; RETURN NEW; END $$"
            )
        )
        connection.execute(text("CREATE TRIGGER forgets BEFORE INSERT ON party FOR EACH ROW EXECUTE FUNCTION forget()"))
    with pytest.raises(StoreUnusable, match=r"holds different rows of party .* \(3 of 3\); nothing was moved"):
        move(source, target, lambda *_: None)
    assert not any(contents(target).values())


def test_a_database_of_an_older_version_is_brought_to_this_one_first(source: Store, target: Store) -> None:
    with source.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(StoreUnusable, match=r"another version of the gateway .* DUIS_GATEWAY_STORE_URL=sqlite:///"):
        move(source, target, lambda *_: None)
