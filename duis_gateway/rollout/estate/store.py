"""How parties stand to a release, in numbers of hubs and names of regions (BR-5.4, BR-5.7)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from duis_gateway.rollout.eligibility import fits_sql
from duis_gateway.rollout.releases.records import Release, Stage
from duis_gateway.store.tables import default_list, default_schedule, hub, preferred_hub, preferred_list


def listed(connection: Connection, release_id: str, supplier: int) -> int | None:
    """Count the hubs on a supplier's preferred list as it was sent, those included that have gone to others since.

    None where it sent none.
    """
    query = (
        select(func.count(preferred_hub.c.device_id))
        .select_from(preferred_list)
        .outerjoin(preferred_hub, preferred_hub.c.list_id == preferred_list.c.id)
        .where(preferred_list.c.release_id == release_id, preferred_list.c.supplier == supplier)
        .group_by(preferred_list.c.id)
    )
    return connection.execute(query).scalar_one_or_none()


def remaining(connection: Connection, release: Release, regions: Iterable[str]) -> int:
    """Count the hubs in these regions that the release may be applied to and that are not active under it."""
    query = select(func.count()).select_from(hub).where(fits_sql(release), hub.c.csp_region.in_(sorted(regions)))
    return int(connection.execute(query).scalar_one())


def default_list_regions(connection: Connection, release_id: str) -> frozenset[str]:
    """Return the regions whose CSP has uploaded its pilot list."""
    query = select(default_list.c.csp_region).where(default_list.c.release_id == release_id)
    return frozenset(connection.execute(query).scalars())


def schedule_regions(connection: Connection, release_id: str, stage: Stage) -> frozenset[str]:
    """Return the regions whose CSP has uploaded its schedule of this stage."""
    here = (default_schedule.c.release_id == release_id, default_schedule.c.stage == stage)
    return frozenset(connection.execute(select(default_schedule.c.csp_region).where(*here)).scalars())
