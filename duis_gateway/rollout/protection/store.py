"""Which hubs suppliers protect. An entry counts while its supplier is responsible for the hub, and not otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cache

from sqlalchemy import Connection, FromClause, Select, Table, bindparam, delete, select, union

from duis_gateway.rollout.eligibility import responsible_sql
from duis_gateway.store.bulk import GIVEN, given, given_ids, id_list, insert_ids, of_head, portions, stored_columns
from duis_gateway.store.rollout_tables import pilot_selection, protected_hub, selected_hub
from duis_gateway.store.tables import hub, instruction, instruction_hub
from duis_gateway.store.types import unsigned

_ROWS_A_FETCH = 5_000


def listed(connection: Connection, supplier: int) -> Iterator[int]:
    """Yield every hub on a supplier's list, in the database's order, whoever is responsible for it now."""
    query = select(protected_hub.c.device_id).where(protected_hub.c.supplier == supplier)
    query = query.order_by(protected_hub.c.device_id)
    yield from connection.execute(query, execution_options={"yield_per": _ROWS_A_FETCH}).scalars()


def add(connection: Connection, supplier: int, ids: Collection[int]) -> None:
    """Put hubs on a supplier's list that are not there yet."""
    for few in portions(sorted(ids)):
        insert_ids(connection, protected_hub, "supplier", supplier, few)


def remove(connection: Connection, supplier: int, ids: Collection[int]) -> None:
    """Take hubs off a supplier's list."""
    mine = protected_hub.c.supplier == supplier
    for few in portions(sorted(ids)):
        given = id_list(connection, few)
        connection.execute(delete(protected_hub).where(mine, protected_hub.c.device_id.in_(select(given.c.value))))


def protected(connection: Connection, ids: Iterable[int], supplier: int | None = None) -> frozenset[int]:
    """Return those of the hubs that a supplier responsible for them now protects: this one, or any."""
    query = _counting(connection.dialect.name, supplier is not None)
    bound = {GIVEN: given(connection, ids), "protector": supplier}
    return frozenset(unsigned(stored_columns(connection, query, bound)[0]))


def instructed(connection: Connection, supplier: int, ids: Iterable[int]) -> frozenset[int]:
    """Return those of the hubs that the supplier has instructed, or DCC for it: protection moves no other's plan."""
    found: set[int] = set()
    for few in portions(ids):
        wanted = id_list(connection, few)
        given = _named(wanted, instruction, instruction_hub, supplier)
        chosen = _named(wanted, pilot_selection, selected_hub, supplier)
        found.update(connection.execute(union(given, chosen)).scalars())
    return frozenset(found)


def _named(wanted: FromClause, heads: Table, members: Table, supplier: int) -> Select[int]:
    number = next(iter(members.primary_key.columns))
    return (
        select(members.c.device_id)
        .select_from(wanted)
        .join(members, members.c.device_id == wanted.c.value)
        .where(of_head(heads, number, heads.c.supplier == supplier))
    )


def protectors(connection: Connection, ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return, for each of the hubs that is protected, the suppliers responsible for it that protect it."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for row in connection.execute(_counting(connection.dialect.name, False), {GIVEN: given(connection, ids)}):
        found[row.device_id].add(row.supplier)
    return {device_id: frozenset(suppliers) for device_id, suppliers in found.items()}


@cache
def _counting(dialect: str, of_one: bool) -> Select[tuple[int, int]]:
    """Put together once: every list of hubs that comes in runs it."""
    wanted = given_ids(dialect)
    query = (
        select(protected_hub.c.device_id, protected_hub.c.supplier)
        .select_from(wanted)
        .join(protected_hub, protected_hub.c.device_id == wanted.c.value)
        .join(hub, hub.c.device_id == protected_hub.c.device_id)
        .where(responsible_sql(protected_hub.c.supplier))
    )
    return query.where(protected_hub.c.supplier == bindparam("protector")) if of_one else query
