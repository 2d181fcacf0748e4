"""SRV 11.5, Submit Preferred Pilot List (A04)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from duis_gateway.duis.service_requests.elements import child, devices, text, verbatim
from duis_gateway.duis.service_requests.service import NON_DEVICE, SUPPLIERS, RequestBody, Service
from duis_gateway.namespaces import DUIS_6_0, sr


@dataclass(frozen=True, slots=True)
class PreferredPilotList(RequestBody):
    """SRV 11.5. `device_ids` is the whole list; None means amendments to the default list instead."""

    release_id: str
    firmware_version: str
    device_ids: tuple[int, ...] | None = None
    add: tuple[int, ...] = ()
    remove: tuple[int, ...] = ()


def _read(body: etree._Element, as_sent: dict[int, str]) -> PreferredPilotList:
    whole = body.find(sr("DeviceIDList"))
    return PreferredPilotList(
        release_id=text(child(body, "FirmwareReleaseID")),
        firmware_version=verbatim(child(body, "FirmwareVersion")),
        device_ids=None if whole is None else devices(whole, as_sent),
        add=devices(body.find(sr("AddDeviceIDList")), as_sent),
        remove=devices(body.find(sr("RemoveDeviceIDList")), as_sent),
    )


PREFERRED_PILOT_LIST = Service(
    "11.5", "Submit Preferred Pilot List", "PreferredPilotList", DUIS_6_0, SUPPLIERS, NON_DEVICE, 200, _read
)
