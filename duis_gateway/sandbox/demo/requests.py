"""The unsigned Service Requests and ESI notices that the demonstration's parties send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.namespaces import SR
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseType, Stage
from duis_gateway.sandbox.demo.cast import GATEWAY, Model
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
        severity="High",
        priority="2",
        pilot=pilot,
    )


def service_request(originator: int, counter: int, version: str, reference: str, body: str) -> bytes:
    """Return an `sr:Request` without a signature."""
    return (
        f'<sr:Request xmlns:sr="{SR}" schemaVersion="{version}"><sr:Header>'
        f"<sr:RequestID>{format_eui(originator)}:{format_eui(GATEWAY)}:{counter}</sr:RequestID>"
        f"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>{reference}</sr:ServiceReference>"
        f"<sr:ServiceReferenceVariant>{reference}</sr:ServiceReferenceVariant>"
        f"</sr:Header><sr:Body>{body}</sr:Body></sr:Request>"
    ).encode()


def read_inventory(device_id: int) -> str:
    """Return the body of an 8.2 for one hub."""
    return f"<sr:ReadInventory><sr:DeviceID>{format_eui(device_id)}</sr:DeviceID></sr:ReadInventory>"


def pilot_list(model: Model, device_ids: Iterable[int]) -> str:
    """Return the body of an 11.5 with a whole list."""
    return _pilot_list(model, f"<sr:DeviceIDList>{_devices(device_ids)}</sr:DeviceIDList>")


def pilot_amendments(model: Model, add: Sequence[int], remove: Sequence[int]) -> str:
    """Return the body of an 11.5 that amends the default list."""
    lists = (("AddDeviceIDList", add), ("RemoveDeviceIDList", remove))
    return _pilot_list(model, "".join(f"<sr:{name}>{_devices(ids)}</sr:{name}>" for name, ids in lists if ids))


def _pilot_list(model: Model, lists: str) -> str:
    return (
        f"<sr:PreferredPilotList><sr:FirmwareReleaseID>{model.release_id}</sr:FirmwareReleaseID>"
        f"<sr:FirmwareVersion>{model.released}</sr:FirmwareVersion>{lists}</sr:PreferredPilotList>"
    )


def schedule(model: Model, group: str, device_ids: Iterable[int], period: Period, stage: Stage = Stage.PILOT) -> str:
    """Return the body of an 11.6 with one group."""
    return (
        f"<sr:PreferredPilotSchedule><sr:FirmwareReleaseID>{model.release_id}</sr:FirmwareReleaseID>"
        f"<sr:FirmwareVersion>{model.released}</sr:FirmwareVersion><sr:DeploymentGroup><sr:GroupID>{group}</sr:GroupID>"
        f"<sr:Stage>{stage}</sr:Stage><sr:DeviceIDList>{_devices(device_ids)}</sr:DeviceIDList>"
        f"<sr:EarliestStart>{_time(period.start)}</sr:EarliestStart><sr:LatestEnd>{_time(period.end)}</sr:LatestEnd>"
        f"</sr:DeploymentGroup></sr:PreferredPilotSchedule>"
    )


def _devices(device_ids: Iterable[int]) -> str:
    return ",".join(map(format_eui, device_ids))


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
