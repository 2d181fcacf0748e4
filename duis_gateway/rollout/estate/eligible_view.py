"""A supplier's hubs that a release may be applied to, with what it should know of each (BR-1.3, BR-5.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.eligibility import roles
from duis_gateway.rollout.estate.eligible_hubs import HUBS_AT_ONCE
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.releases.records import Release

ELIGIBLE_COLUMNS = (
    "release",
    "device_id",
    "manufacturer",
    "model",
    "firmware_version",
    "status",
    "csp_region",
    "import",
    "gas",
    "mark",
    "in_progress",
)


def eligible_hubs(conn: Connection, supplier: int, release: Release, now: datetime) -> Iterator[NamedHub]:
    """Yield the supplier's hubs that the release may be applied to; never all held at once."""
    found = hubs.eligible(conn, supplier, release)
    while chunk := list(islice(found, HUBS_AT_ONCE)):
        named = hubs.named(conn, (hub.device_id for hub in chunk), release.release_id, supplier, now)
        yield from (named[hub.device_id] for hub in chunk)


def eligible_row(hub: NamedHub, release: Release, supplier: int) -> Mapping[str, object]:
    """Return a hub as a row of `ELIGIBLE_COLUMNS`; of its suppliers only the roles of the one who looks are said."""
    is_import, is_gas = roles(hub, supplier)
    return {
        "release": release.release_id,
        "device_id": format_eui(hub.device_id),
        "manufacturer": hub.manufacturer,
        "model": hub.model,
        "firmware_version": hub.firmware_version,
        "status": hub.status,
        "csp_region": hub.csp_region,
        "import": is_import,
        "gas": is_gas,
        "mark": hub.mark,
        "in_progress": hub.in_progress,
    }
