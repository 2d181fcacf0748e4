"""Plain releases, hubs and instructions for the tests of the rules, and strategies that make many of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from duis_gateway.rollout.hubs.records import Hub, HubInRegion, NamedHub
from duis_gateway.rollout.releases.records import HubMark, Instruction, Period, PilotTerms, Release, ReleaseType, Stage

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AUTOMATIC = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
PILOT = Period(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
OURS = 0x90B3D51F30010000
THEIRS = 0x90B3D51F30020000
OLD, NEW = "00000001", "00000002"


def release(**changes: Any) -> Release:
    """A release of model 433100AC to version 2, noticed at `NOW`, with a pilot of 10 hubs at most."""
    standard = Release(
        release_id="R1",
        revision=1,
        release_type=ReleaseType.SEC_RELEASE,
        manufacturer="106C",
        model="433100AC",
        firmware_version=NEW,
        release_note="https://notes.example/R1",
        severity="high",
        priority="normal",
        notified_at=NOW,
        automatic_date=AUTOMATIC,
        pilot=PilotTerms(PILOT, limit=10),
    )
    return replace(standard, **changes)


def named(device_id: int, **changes: Any) -> NamedHub:
    """A commissioned hub of ours in North, on the default list and ready for version 2."""
    hub = NamedHub(device_id, "CHF", "Commissioned", "106C", "433100AC", OLD, "North", OURS, OURS, True, None, False)
    return hub._replace(**changes)


def by_id(*hubs: NamedHub) -> dict[int, NamedHub]:
    """The hubs as the facts of a rule hold them."""
    return {hub.device_id: hub for hub in hubs}


def located(*ids: int, region: str = "North") -> tuple[HubInRegion, ...]:
    """The hubs as lists hold them."""
    return tuple(HubInRegion(hub, region) for hub in ids)


def hub(device_id: int = 1, **changes: Any) -> Hub:
    """A hub of the inventory, of ours alone, told of version 1."""
    standard = Hub(device_id, "CHF", "106C", "433100AC", OLD, "Commissioned", "North", OURS, OURS, told_version=OLD)
    return replace(standard, **changes)


def instruction(group_id: str, *ids: int, stage: Stage = Stage.PILOT, period: Period = PILOT) -> Instruction:
    """A standing instruction of ours for release R1."""
    return Instruction("R1", OURS, group_id, stage, period, NOW, ids)


times = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


@st.composite
def periods(draw: st.DrawFn, start: datetime = NOW, days: int = 200) -> Period:
    """A period that begins within `days` of `start`, and may be a single moment."""
    first = draw(st.integers(0, days * 24))
    length = draw(st.integers(0, days * 24))
    begin = start + timedelta(hours=first)
    return Period(begin, begin + timedelta(hours=length))


@st.composite
def named_hubs(draw: st.DrawFn, device_id: int) -> NamedHub:
    """A hub that may have anything wrong with it, and mostly is fine."""
    fine_or = draw(st.sampled_from(["fine", "fine", "any"]))
    if fine_or == "fine":
        return named(device_id)
    return named(
        device_id,
        device_type=draw(st.sampled_from(["CHF", "ESME"])),
        status=draw(st.sampled_from(["Commissioned", "Pending"])),
        model=draw(st.sampled_from(["433100AC", "other"])),
        firmware_version=draw(st.sampled_from([OLD, NEW])),
        import_supplier=draw(st.sampled_from([OURS, THEIRS, None])),
        gas_supplier=draw(st.sampled_from([OURS, THEIRS, None])),
        in_default_list=draw(st.booleans()),
        mark=draw(st.sampled_from([None, *(mark.value for mark in HubMark)])),
        in_progress=draw(st.booleans()),
    )


@st.composite
def inventories(draw: st.DrawFn, size: int = 12) -> dict[int, NamedHub]:
    """An inventory of some of the hubs 1 to `size`."""
    ids = draw(st.sets(st.integers(1, size)))
    return {device_id: draw(named_hubs(device_id)) for device_id in sorted(ids)}
