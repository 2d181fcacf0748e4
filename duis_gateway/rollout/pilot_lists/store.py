"""Pilot membership: the CSPs' default lists, and the suppliers' preferred ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, delete, exists, insert, select

from duis_gateway.rollout.eligibility import responsible_sql
from duis_gateway.rollout.hubs.records import HubInRegion
from duis_gateway.rollout.releases.records import HubMark
from duis_gateway.store.bulk import delete_with_hubs, id_list, insert_ids, named_tuples, stored_columns
from duis_gateway.store.tables import default_hub, default_list, hub, preferred_hub, preferred_list, release_hub
from duis_gateway.store.types import Unsigned64, unsigned
from duis_gateway.store.upsert import insert_for


def replace_default_list(connection: Connection, release_id: str, csp_region: str, ids: Iterable[int]) -> None:
    """Make these hubs the default pilot list of the release in this region."""
    here = (default_list.c.release_id == release_id, default_list.c.csp_region == csp_region)
    delete_with_hubs(connection, default_list, default_hub, here)
    new = insert(default_list).values(release_id=release_id, csp_region=csp_region).returning(default_list.c.id)
    list_id = connection.execute(new).scalar_one()
    insert_ids(connection, default_hub, "list_id", list_id, ids)


def default_hubs(
    connection: Connection, release_id: str, supplier: int | None = None, csp_region: str | None = None
) -> list[HubInRegion]:
    """Return the hubs on the default lists of all regions (or of one).

    With a supplier, only those that it is responsible for now.
    """
    query = _default_hubs(supplier is not None, csp_region is not None)
    return _hubs(connection, query, {"release": release_id, "supplier": supplier, "region": csp_region})


def proving_hubs(connection: Connection, release_id: str, supplier: int) -> list[HubInRegion]:
    """Return the supplier's hubs that the release marks as proving."""
    return _hubs(connection, _PROVING, {"release": release_id, "supplier": supplier})


def preferred(connection: Connection, release_id: str, supplier: int) -> list[HubInRegion] | None:
    """Return the hubs of the supplier's preferred list as received last; None if it has sent none."""
    mine = {"release": release_id, "supplier": supplier}
    found = _hubs(connection, _PREFERRED, mine)
    if not found and connection.execute(_LIST, mine).scalar_one_or_none() is None:
        return None
    return found


def preferring(connection: Connection, release_id: str, ids: Iterable[int]) -> frozenset[int]:
    """Return the suppliers whose preferred lists name one of these hubs."""
    wanted = id_list(connection, ids)
    names_one = exists().where(
        preferred_hub.c.list_id == preferred_list.c.id, preferred_hub.c.device_id.in_(select(wanted.c.value))
    )
    query = select(preferred_list.c.supplier).where(preferred_list.c.release_id == release_id, names_one)
    return frozenset(connection.execute(query).scalars())


def replace_preferred(
    connection: Connection,
    release_id: str,
    supplier: int,
    firmware_version: str,
    ids: Iterable[int],
    received_at: datetime,
) -> None:
    """Make these hubs the supplier's pilot; its earlier list is gone."""
    values = {
        "release_id": release_id,
        "supplier": supplier,
        "firmware_version": firmware_version,
        "received_at": received_at,
    }
    list_id = connection.execute(_put(connection.dialect.name), values).scalar_one()
    connection.execute(_EMPTY, {"list": list_id})
    insert_ids(connection, preferred_hub, "list_id", list_id, ids)


# Put together once: every 11.5 and 11.6 runs some of them.

_OF_RELEASE = bindparam("release", type_=Text())
_OF_SUPPLIER = bindparam("supplier", type_=Unsigned64())
_SELECT = select(hub.c.device_id, hub.c.csp_region)
_PROVING = _SELECT.join_from(release_hub, hub, hub.c.device_id == release_hub.c.device_id).where(
    release_hub.c.release_id == _OF_RELEASE, release_hub.c.mark == HubMark.PROVING, responsible_sql(_OF_SUPPLIER)
)
_MINE = (preferred_list.c.release_id == _OF_RELEASE, preferred_list.c.supplier == _OF_SUPPLIER)
_PREFERRED = (
    _SELECT.select_from(preferred_list)
    .join(preferred_hub, preferred_hub.c.list_id == preferred_list.c.id)
    .join(hub, hub.c.device_id == preferred_hub.c.device_id)
    .where(*_MINE)
)
_LIST = select(preferred_list.c.id).where(*_MINE)
_EMPTY = delete(preferred_hub).where(preferred_hub.c.list_id == bindparam("list"))


@cache
def _default_hubs(of_supplier: bool, in_region: bool) -> Select[Any]:
    query = (
        _SELECT.select_from(default_list)
        .join(default_hub, default_hub.c.list_id == default_list.c.id)
        .join(hub, hub.c.device_id == default_hub.c.device_id)
        .where(default_list.c.release_id == _OF_RELEASE)
        .distinct()
    )
    if in_region:
        query = query.where(default_list.c.csp_region == bindparam("region"))
    return query.where(responsible_sql(_OF_SUPPLIER)) if of_supplier else query


@cache
def _put(dialect: str) -> Any:
    new = insert_for(dialect, preferred_list)
    changes = {name: new.excluded[name] for name in ("firmware_version", "received_at")}
    key = ("release_id", "supplier")
    return new.on_conflict_do_update(index_elements=key, set_=changes).returning(preferred_list.c.id)


def _hubs(connection: Connection, query: Select[Any], bound: Mapping[str, Any]) -> list[HubInRegion]:
    # In the order of the unsigned identifiers, which is not the database's: lists read the same everywhere.
    device, region = stored_columns(connection, query, bound)
    return sorted(named_tuples(HubInRegion, zip(unsigned(device), region, strict=True)))
