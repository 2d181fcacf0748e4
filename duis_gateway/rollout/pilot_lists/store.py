"""Pilot membership: the CSPs' default lists, and the suppliers' preferred ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select

from duis_gateway.rollout.eligibility import responsible_sql
from duis_gateway.rollout.hubs.records import HubInRegion
from duis_gateway.rollout.releases.records import HubMark
from duis_gateway.store.bulk import delete_with_hubs, insert_ids, named_tuples, stored_columns
from duis_gateway.store.tables import default_hub, default_list, hub, preferred_hub, preferred_list, release_hub
from duis_gateway.store.types import unsigned


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
    query = (
        _select_hubs()
        .select_from(default_list)
        .join(default_hub, default_hub.c.list_id == default_list.c.id)
        .join(hub, hub.c.device_id == default_hub.c.device_id)
        .where(default_list.c.release_id == release_id)
        .distinct()
    )
    if csp_region is not None:
        query = query.where(default_list.c.csp_region == csp_region)
    return _hubs(connection, query if supplier is None else query.where(responsible_sql(supplier)))


def proving_hubs(connection: Connection, release_id: str, supplier: int) -> list[HubInRegion]:
    """Return the supplier's hubs that the release marks as proving."""
    query = (
        _select_hubs()
        .join_from(release_hub, hub, hub.c.device_id == release_hub.c.device_id)
        .where(
            release_hub.c.release_id == release_id,
            release_hub.c.mark == HubMark.PROVING,
            responsible_sql(supplier),
        )
    )
    return _hubs(connection, query)


def preferred(connection: Connection, release_id: str, supplier: int) -> list[HubInRegion] | None:
    """Return the hubs of the supplier's preferred list as received last; None if it has sent none."""
    chosen = select(preferred_list.c.id).where(
        preferred_list.c.release_id == release_id, preferred_list.c.supplier == supplier
    )
    list_id = connection.execute(chosen).scalar_one_or_none()
    if list_id is None:
        return None
    query = (
        _select_hubs()
        .join_from(preferred_hub, hub, hub.c.device_id == preferred_hub.c.device_id)
        .where(preferred_hub.c.list_id == list_id)
    )
    return _hubs(connection, query)


def replace_preferred(
    connection: Connection,
    release_id: str,
    supplier: int,
    firmware_version: str,
    ids: Iterable[int],
    received_at: datetime,
) -> None:
    """Make these hubs the supplier's pilot; its earlier list is gone."""
    here = (preferred_list.c.release_id == release_id, preferred_list.c.supplier == supplier)
    delete_with_hubs(connection, preferred_list, preferred_hub, here)
    new = insert(preferred_list).values(
        release_id=release_id, supplier=supplier, firmware_version=firmware_version, received_at=received_at
    )
    list_id = connection.execute(new.returning(preferred_list.c.id)).scalar_one()
    insert_ids(connection, preferred_hub, "list_id", list_id, ids)


def _select_hubs() -> Select[Any]:
    return select(hub.c.device_id, hub.c.csp_region)


def _hubs(connection: Connection, query: Select[Any]) -> list[HubInRegion]:
    # In the order of the unsigned identifiers, which is not the database's: lists read the same everywhere.
    device, region = stored_columns(connection, query)
    return sorted(named_tuples(HubInRegion, zip(unsigned(device), region, strict=True)))
