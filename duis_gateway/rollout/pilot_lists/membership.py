"""Which hubs are in the pilot: on a supplier's preferred list, or on the default list where it sent none (PIA-5).

What DCC chose on a supplier's behalf and the release's proving hubs are in it as well. Until the pilot has ended safe
launch has none of them (BR-0.3).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    exists,
    or_,
    select,
    union,
)

from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.eligibility import ROLES, responsible_sql
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases.records import HubMark
from duis_gateway.store.bulk import id_list
from duis_gateway.store.rollout_tables import pilot_selection, selected_hub
from duis_gateway.store.tables import default_hub, default_list, hub, preferred_hub, preferred_list, release_hub


def own_in_pilot(connection: Connection, release_id: str, supplier: int) -> frozenset[int]:
    """Return the supplier's own hubs that are in the pilot as things stand, as far as that is its own affair."""
    listed = pilots.preferred(connection, release_id, supplier)
    by_default = pilots.default_hubs(connection, release_id, supplier) if listed is None else ()
    return own_for_the_pilot(connection, release_id, supplier).union(one.device_id for one in by_default)


def own_for_the_pilot(connection: Connection, release_id: str, supplier: int) -> frozenset[int]:
    """Return the supplier's own hubs that its Pilot groups may have (E110608): the default list is not enough."""
    listed = pilots.preferred(connection, release_id, supplier) or ()
    always = pilots.proving_hubs(connection, release_id, supplier)
    chosen = direct.selected_for(connection, release_id, supplier)
    return chosen.union(one.device_id for one in (*listed, *always))


def in_pilot(connection: Connection, release_id: str, ids: Iterable[int]) -> frozenset[int]:
    """Return those of the hubs that are in the pilot for one of their Responsible Suppliers."""
    wanted = id_list(connection, ids)
    proving = select(release_hub.c.device_id).join_from(wanted, release_hub, _named(release_hub, wanted))
    queries = (
        *(_chosen(wanted, release_id, *tables) for tables in _OF_SUPPLIERS),
        _by_default(wanted, release_id),
        proving.where(_is_proving(release_id)),
    )
    return frozenset(device_id for query in queries for device_id in connection.execute(query).scalars())


def pilot_sql(release_id: str) -> CompoundSelect[int]:
    """Return the query for all hubs that are in the pilot for one of their Responsible Suppliers, as `in_pilot`."""
    of_suppliers = (
        select(members.c.device_id)
        .join_from(lists, members, members.c[owner] == lists.c.id)
        .join(hub, hub.c.device_id == members.c.device_id)
        .where(lists.c.release_id == release_id, responsible_sql(lists.c.supplier))
        for lists, members, owner in _OF_SUPPLIERS
    )
    by_default = (
        select(default_hub.c.device_id)
        .join_from(default_list, default_hub, default_hub.c.list_id == default_list.c.id)
        .join(hub, hub.c.device_id == default_hub.c.device_id)
        .where(default_list.c.release_id == release_id, _has_silent_supplier(release_id))
    )
    proving = select(release_hub.c.device_id).where(_is_proving(release_id))
    return union(*of_suppliers, by_default, proving)


_OF_SUPPLIERS = ((preferred_list, preferred_hub, "list_id"), (pilot_selection, selected_hub, "selection_id"))


def _named(members: Table, wanted: FromClause) -> ColumnElement[bool]:
    return members.c.device_id == wanted.c.value


def _chosen(wanted: FromClause, release_id: str, lists: Table, members: Table, owner: str) -> Select[int]:
    """Return the hubs that a list names whose supplier is responsible for them now."""
    return (
        select(members.c.device_id)
        .join_from(wanted, members, _named(members, wanted))
        .join(lists, lists.c.id == members.c[owner])
        .join(hub, hub.c.device_id == members.c.device_id)
        .where(lists.c.release_id == release_id, responsible_sql(lists.c.supplier))
    )


def _by_default(wanted: FromClause, release_id: str) -> Select[int]:
    """Return the hubs of the default lists that have a Responsible Supplier which sent no list of its own."""
    return (
        select(default_hub.c.device_id)
        .join_from(wanted, default_hub, _named(default_hub, wanted))
        .join(default_list, default_list.c.id == default_hub.c.list_id)
        .join(hub, hub.c.device_id == default_hub.c.device_id)
        .where(default_list.c.release_id == release_id, _has_silent_supplier(release_id))
    )


def _has_silent_supplier(release_id: str) -> ColumnElement[bool]:
    silent = [
        and_(
            role.is_not(None),
            ~exists().where(preferred_list.c.release_id == release_id, preferred_list.c.supplier == role),
        )
        for role in ROLES
    ]
    return or_(*silent)


def _is_proving(release_id: str) -> ColumnElement[bool]:
    return and_(release_hub.c.release_id == release_id, release_hub.c.mark == HubMark.PROVING)
