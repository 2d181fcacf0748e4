"""The bodies of the Service Requests served, as the rules read them (design section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.rollout.releases.records import Period, Stage


@dataclass(frozen=True, slots=True)
class ReadInventory:
    """SRV 8.2. `device_id` is None where the request asks by UPRN, MPxN or property (`asked_by` says which)."""

    device_id: int | None
    asked_by: str = "DeviceID"


@dataclass(frozen=True, slots=True)
class PreferredPilotList:
    """SRV 11.5. `device_ids` is the whole list; None means amendments to the default list instead."""

    release_id: str
    firmware_version: str
    device_ids: tuple[int, ...] | None = None
    add: tuple[int, ...] = ()
    remove: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DeploymentGroup:
    """One group of SRV 11.6."""

    group_id: str
    stage: Stage
    device_ids: tuple[int, ...]
    period: Period
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PreferredPilotSchedule:
    """SRV 11.6: the instruction to deploy."""

    release_id: str
    firmware_version: str
    groups: tuple[DeploymentGroup, ...]


@dataclass(frozen=True, slots=True)
class Unserved:
    """Any other Service Request of DUIS: valid, and not served here (answer E2)."""

    element: str


RequestBody = ReadInventory | PreferredPilotList | PreferredPilotSchedule | Unserved
