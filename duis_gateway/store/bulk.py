"""Long lists in few statements: as a table to join with, and as many rows written at once.

Never row by row: what a list of 50,000 hubs costs grows linearly, and mostly inside the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from duis_gateway.duis.identifiers import to_signed
from duis_gateway.store.types import Unsigned64

_ROWS_A_STATEMENT = 10_000
_LONG_LIST = 100
_PLANNED = "planned for lists"
"""The transaction of a connection to PostgreSQL that plans for its lists."""

Row = Sequence[Any]
Progress = Callable[[int, int], None]
"""Told, while something long is done, how much of it is done, and how much the whole is."""

_T = TypeVar("_T")
_NamedTuple = TypeVar("_NamedTuple", bound=tuple[Any, ...])


def id_list(connection: Connection, ids: Iterable[int]) -> FromClause:
    """Return a table with one column, `value`, that holds these unsigned identifiers, to join with.

    It is one bound value however many there are: no limit on parameters, and one cached statement for all lengths.
    """
    return _id_table(connection.dialect.name, bindparam(None, given(connection, ids), Text(), unique=True))


GIVEN = "given"
"""The parameter of a statement that is put together once, with `given_ids`: what `given` makes of the list."""


@cache
def given_ids(dialect: str) -> FromClause:
    """Return the table of `id_list` for a statement that is put together once; its list is bound as `GIVEN`."""
    return _id_table(dialect, bindparam(GIVEN, type_=Text()))


def given(connection: Connection, ids: Iterable[int]) -> str:
    """Return a list as this database reads it from one value."""
    # In the order of the tables' keys, neighbours are found on the same page.
    numbers = sorted(map(to_signed, ids))
    listed = ",".join(map(str, numbers))
    if connection.dialect.name != "postgresql":
        return f"[{listed}]"
    if len(numbers) >= _LONG_LIST:
        plan_for_lists(connection)
    return f"{{{listed}}}"


def _id_table(dialect: str, ids: BindParameter[str]) -> FromClause:
    value: ColumnElement[int] = column("value", Unsigned64())
    if dialect == "postgresql":
        return func.unnest(cast(ids, ARRAY(BigInteger))).table_valued(value).render_derived()
    # SQLite gives an index to a subquery that it cannot take apart (LIMIT) and never to json_each itself: where
    # it begins with the lists of a release, it would look through all identifiers for each of their hubs.
    return select(func.json_each(ids).table_valued(value).c.value).limit(literal_column("-1")).subquery()


def of_head(heads: Table, number: ColumnElement[int], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that the row of `heads` with this number meets the conditions, for hubs found by a list.

    Not a join: PostgreSQL may begin that with the heads, of which it expects one or two of a new release, and goes
    through the whole list for each (500 groups of 100 hubs: half a minute). This is looked up by key for each hub of
    the list, whatever is expected.
    """
    return select(literal(1)).where(heads.c.id == number, *conditions).scalar_subquery() == 1


def plan_for_lists(connection: Connection) -> None:
    """Have PostgreSQL plan each further statement of this transaction anew, and for any values.

    What it keeps or looks up otherwise has been wrong for long lists (50,000 hubs: more than a minute, a second when
    planned so). The plan that it keeps for a prepared statement is for tables as large as they were when it was made.
    A plan for the values themselves goes by statistics in which a new release, group or list does not occur yet: it
    expects one row where there are as many as hubs, and reads through all of them for each hub. For any values it
    expects what is usual, and looks for each hub by a key. To plan costs some 0.1 ms a statement, so what has no long
    lists keeps its plans.
    """
    transaction = connection.get_transaction()
    if connection.info.get(_PLANNED) is not transaction:
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        # Nothing is kept, so that nothing is kept of before. Who lent the connection sets it back (`patient`).
        driver: Any = connection.connection.driver_connection
        driver.prepare_threshold = None
        connection.info[_PLANNED] = transaction


def stored_columns(
    connection: Connection, query: Select[Any], bound: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Return what a query finds as the driver has it, column by column; signed integers stay signed.

    For lists of 50,000 hubs, where a row object and a conversion for each value would cost more than the query.
    """
    with connection.execute(query, bound) as result:
        rows = result.cursor.fetchall()
    return list(zip(*rows, strict=True)) or [()] * len(query.selected_columns)


def named_tuples(kind: type[_NamedTuple], rows: Iterable[tuple[Any, ...]]) -> Iterator[_NamedTuple]:
    """Make a named tuple of each row, in the order of its fields; calling `kind` for 50,000 would cost more."""
    return map(partial(tuple.__new__, kind), rows)


def insert_ids(connection: Connection, table: Table, owner: str, number: int, ids: Iterable[int]) -> None:
    """Insert one row (`number` in the column `owner`, `device_id`) for each distinct identifier."""
    values = {"owner": number, GIVEN: given(connection, set(ids))}
    connection.execute(_insert_ids(connection.dialect.name, table, owner), values)


def insert_ids_with(
    connection: Connection,
    table: Table,
    owner: str,
    number: int,
    ids: Iterable[int],
    name: str,
    known: Mapping[int, Any],
) -> None:
    """Insert the same rows, each with what is known of its identifier in the column `name`: a few different values."""
    if not known:
        insert_ids(connection, table, owner, number, ids)
        return
    alike: defaultdict[Any, set[int]] = defaultdict(set)
    for one in ids:
        alike[known.get(one)].add(one)
    for value, members in alike.items():
        values = {"owner": number, "value": value, GIVEN: given(connection, members)}
        connection.execute(_insert_ids(connection.dialect.name, table, owner, name), values)


@cache
def _insert_ids(dialect: str, table: Table, owner: str, name: str | None = None) -> Insert:
    more = [] if name is None else [bindparam("value", type_=table.c[name].type)]
    rows = select(bindparam("owner", type_=table.c[owner].type), given_ids(dialect).c.value, *more)
    return insert(table).from_select([owner, "device_id", *([] if name is None else [name])], rows)


def delete_with_hubs(connection: Connection, owner: Table, hubs: Table, chosen: Sequence[ColumnElement[bool]]) -> None:
    """Delete the chosen rows of `owner`, and first the rows of `hubs` that name them in their first column."""
    named = next(iter(hubs.primary_key.columns))
    connection.execute(delete(hubs).where(named.in_(select(owner.c.id).where(*chosen))))
    connection.execute(delete(owner).where(*chosen))


def insert_in_order(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows of values in the order of `names`, one after another: they get rising numbers in this order."""
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    statement = f"{_into(connection, table, names)} VALUES ({', '.join([mark] * len(names))})"
    for chunk in portions(rows):
        connection.exec_driver_sql(statement, _stored_rows(connection, table, names, chunk))


def insert_many(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Row]) -> int:
    """Insert rows of values in the order of `names`; return how many. The rows are never all held at once."""
    return _write_many(connection, table, names, rows, "")


def upsert_many(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Row], replaced: Sequence[str]
) -> int:
    """Insert rows; one whose primary key is there already replaces the columns `replaced`. Return how many.

    No key may come twice (PostgreSQL refuses it).
    """
    key = ", ".join(quoted(connection, key.name) for key in table.primary_key.columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in (quoted(connection, name) for name in replaced))
    return _write_many(connection, table, names, rows, f" ON CONFLICT ({key}) DO UPDATE SET {changes}")


def update_many(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Row]) -> int:
    """Update rows by their key: `names` and each row begin with the one column of the primary key."""
    key, *changed = (quoted(connection, name) for name in names)
    target = quoted(connection, table.name)
    stored = (_stored_rows(connection, table, names, chunk) for chunk in portions(rows))
    count = 0
    if connection.dialect.name == "postgresql":
        changes = ", ".join(f"{name} = given.{name}" for name in changed)
        given = f"unnest({_arrays(connection, table, names)}) AS given ({', '.join((key, *changed))})"
        statement = f"UPDATE {target} SET {changes} FROM {given} WHERE {target}.{key} = given.{key}"  # noqa: S608
        for chunk in stored:
            if len(chunk) >= _LONG_LIST:
                plan_for_lists(connection)
            connection.exec_driver_sql(statement, _by_column(chunk))
            count += len(chunk)
        return count
    statement = f"UPDATE {target} SET {', '.join(f'{name} = ?' for name in changed)} WHERE {key} = ?"  # noqa: S608
    for chunk in stored:
        connection.exec_driver_sql(statement, [(*values, given) for given, *values in chunk])
        count += len(chunk)
    return count


def _arrays(connection: Connection, table: Table, names: Sequence[str]) -> str:
    return ", ".join(f"%s::{table.c[name].type.compile(connection.dialect)}[]" for name in names)


def _by_column(rows: list[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(list(values) for values in zip(*rows, strict=True))


def _write_many(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Row], conflict: str) -> int:
    into = _into(connection, table, names)
    stored = (_stored_rows(connection, table, names, chunk) for chunk in portions(rows))
    count = 0
    if connection.dialect.name == "postgresql":
        # Without its WHERE PostgreSQL would take ON CONFLICT for a join's ON.
        statement = f"{into} SELECT * FROM unnest({_arrays(connection, table, names)}) AS given WHERE true{conflict}"  # noqa: S608
        for chunk in stored:
            if len(chunk) >= _LONG_LIST:
                plan_for_lists(connection)
            connection.exec_driver_sql(statement, _by_column(chunk))
            count += len(chunk)
        return count
    statement = f"{into} VALUES ({', '.join('?' * len(names))}){conflict}"
    for chunk in stored:
        connection.exec_driver_sql(statement, chunk)
        count += len(chunk)
    return count


def _into(connection: Connection, table: Table, names: Sequence[str]) -> str:
    return f"INSERT INTO {quoted(connection, table.name)} ({', '.join(quoted(connection, n) for n in names)})"


def _stored_rows(connection: Connection, table: Table, names: Sequence[str], rows: list[Row]) -> list[tuple[Any, ...]]:
    converters = [_converter(connection, table, name) for name in names]
    columns = [
        values if convert is None else map(convert, values)
        for convert, values in zip(converters, zip(*rows, strict=True), strict=True)
    ]
    return list(zip(*columns, strict=True))


def _converter(connection: Connection, table: Table, name: str) -> Callable[[Any], Any] | None:
    kind = table.c[name].type
    return kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)


def portions(rows: Iterable[_T]) -> Iterator[list[_T]]:
    """Yield what may be very long in portions that one statement takes."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, _ROWS_A_STATEMENT)):
        yield chunk


def quoted(connection: Connection, name: str) -> str:
    """Return a name of a table or column as this database writes it."""
    return connection.dialect.identifier_preparer.quote(name)
