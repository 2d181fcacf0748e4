"""The Service Requests and ESI notices that the demonstration's parties send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from duis_gateway.client import Group, PreferredPilotList, PreferredPilotSchedule, Stage
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseType
from duis_gateway.sandbox.demo.cast import Model
from esi.messages import FirmwareRelease


def release_notice(model: Model, now: datetime, limit: int) -> FirmwareRelease:
    """Return DCC's notice of a model's release: a pilot of sixty days that begins today."""
    pilot = PilotTerms(Period(now - timedelta(minutes=1), now + timedelta(days=60)), limit)
    return FirmwareRelease(
        release_id=model.release_id,
        revision=1,
        release_type=ReleaseType.SEC_RELEASE,
        manufacturer=model.manufacturer,
        model=model.model,
        firmware_version=model.released,
        release_note=f"https://releases.example/{model.release_id}",
        severity="Major",
        priority="High",
        pilot=pilot,
    )


def pilot_list(model: Model, device_ids: Iterable[int]) -> PreferredPilotList:
    """Return an 11.5 with a whole list."""
    return PreferredPilotList(model.release_id, model.released, device_ids)


def pilot_amendments(model: Model, add: Sequence[int], remove: Sequence[int]) -> PreferredPilotList:
    """Return an 11.5 that amends the default list."""
    return PreferredPilotList(model.release_id, model.released, add=add, remove=remove)


def cancellation(model: Model, group: str, stage: Stage) -> PreferredPilotSchedule:
    """Return an 11.6 that takes one group back."""
    return PreferredPilotSchedule(model.release_id, model.released, cancelled=[(group, stage)])


def schedule(
    model: Model, group: str, device_ids: Iterable[int], period: Period, stage: Stage = Stage.PILOT
) -> PreferredPilotSchedule:
    """Return an 11.6 with one group."""
    named = Group(group, device_ids, period.start, period.end, stage)
    return PreferredPilotSchedule(model.release_id, model.released, [named])
