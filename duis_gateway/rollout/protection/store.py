"""Which hubs suppliers protect. An entry counts while its supplier is responsible for the hub, and not otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Column, Connection, FromClause, Select, Table, delete, select, union

from duis_gateway.rollout.eligibility import responsible_sql
from duis_gateway.store.bulk import id_list, insert_ids
from duis_gateway.store.rollout_tables import pilot_selection, protected_hub, selected_hub
from duis_gateway.store.tables import hub, instruction, instruction_hub

_ROWS_A_FETCH = 5_000


def listed(connection: Connection, supplier: int) -> Iterator[int]:
    """Yield every hub on a supplier's list, in the database's order, whoever is responsible for it now."""
    query = select(protected_hub.c.device_id).where(protected_hub.c.supplier == supplier)
    query = query.order_by(protected_hub.c.device_id)
    yield from connection.execute(query, execution_options={"yield_per": _ROWS_A_FETCH}).scalars()


def add(connection: Connection, supplier: int, ids: Collection[int]) -> None:
    """Put hubs on a supplier's list that are not there yet."""
    insert_ids(connection, protected_hub, "supplier", supplier, ids)


def remove(connection: Connection, supplier: int, ids: Collection[int]) -> None:
    """Take hubs off a supplier's list."""
    given = id_list(connection, ids)
    mine = protected_hub.c.supplier == supplier
    connection.execute(delete(protected_hub).where(mine, protected_hub.c.device_id.in_(select(given.c.value))))


def protected(connection: Connection, ids: Iterable[int], supplier: int | None = None) -> frozenset[int]:
    """Return those of the hubs that a supplier responsible for them now protects: this one, or any."""
    query = _counting(connection, ids)
    if supplier is not None:
        query = query.where(protected_hub.c.supplier == supplier)
    return frozenset(row.device_id for row in connection.execute(query))


def instructed(connection: Connection, supplier: int, ids: Iterable[int]) -> frozenset[int]:
    """Return those of the hubs that the supplier has instructed, or DCC for it: protection moves no other's plan."""
    wanted = id_list(connection, ids)
    given = _named(wanted, instruction, instruction_hub, instruction_hub.c.instruction_id, supplier)
    chosen = _named(wanted, pilot_selection, selected_hub, selected_hub.c.selection_id, supplier)
    return frozenset(connection.execute(union(given, chosen)).scalars())


def _named(wanted: FromClause, heads: Table, members: Table, of_head: Column[int], supplier: int) -> Select[int]:
    return (
        select(members.c.device_id)
        .select_from(wanted)
        .join(members, members.c.device_id == wanted.c.value)
        .join(heads, heads.c.id == of_head)
        .where(heads.c.supplier == supplier)
    )


def protectors(connection: Connection, ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return, for each of the hubs that is protected, the suppliers responsible for it that protect it."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for row in connection.execute(_counting(connection, ids)):
        found[row.device_id].add(row.supplier)
    return {device_id: frozenset(suppliers) for device_id, suppliers in found.items()}


def _counting(connection: Connection, ids: Iterable[int]) -> Select[tuple[int, int]]:
    wanted = id_list(connection, ids)
    return (
        select(protected_hub.c.device_id, protected_hub.c.supplier)
        .select_from(wanted)
        .join(protected_hub, protected_hub.c.device_id == wanted.c.value)
        .join(hub, hub.c.device_id == protected_hub.c.device_id)
        .where(responsible_sql(protected_hub.c.supplier))
    )
