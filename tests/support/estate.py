"""A small estate: parties, hubs and releases that the tests of several parts share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Period, PilotTerms, Release, ReleaseState, ReleaseType

NOW = datetime(2031, 3, 31, 12, 0, tzinfo=UTC)
PERIOD = Period(NOW, NOW + timedelta(days=30))
LOW, HIGH = 0x0000000000000001, 0xFFFFFFFFFFFFFFFF
ALPHA, BETA, GAMMA = 0x90B3D51F30010000, 0x00DB1234567890A0, 0x7FFFFFFFFFFFFFFF
TOP = 1 << 63


def hub(
    device_id: int,
    importer: int | None = ALPHA,
    gas: int | None = ALPHA,
    *,
    model: str = "Hub1",
    version: str = "01020304",
    region: str = "North",
) -> Hub:
    """A commissioned hub."""
    return Hub(device_id, "CHF", "Acme", model, version, "Commissioned", region, importer, gas)


def release(
    release_id: str = "R1",
    *,
    model: str = "Hub1",
    version: str = "01020305",
    state: ReleaseState = ReleaseState.NOTIFIED,
    notified_at: datetime = NOW,
) -> Release:
    """A planned maintenance release with a pilot."""
    return Release(
        release_id=release_id,
        revision=1,
        release_type=ReleaseType.PLANNED_MAINTENANCE,
        manufacturer="Acme",
        model=model,
        firmware_version=version,
        release_note="https://example.test/note",
        severity="Minor",
        priority="Normal",
        notified_at=notified_at,
        automatic_date=NOW + timedelta(days=180),
        pilot=PilotTerms(PERIOD, limit=50_000, minimum=2, share_percent=50, share_by=NOW + timedelta(days=60)),
        state=state,
    )


def add_suppliers(connection: Connection, euis: Iterable[int] = (ALPHA, BETA, GAMMA)) -> None:
    """Register suppliers."""
    for eui in euis:
        parties.add(connection, Party(eui, PartyKind.SUPPLIER, "http://127.0.0.1:1/"))


def fill(connection: Connection, estate: Iterable[Hub], given: Iterable[Release] = ()) -> None:
    """Write hubs and releases."""
    hubs.upsert(connection, estate)
    for one in given:
        releases.put(connection, one, {})
