"""SRV 8.2, Read Inventory."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.duis.service_requests.elements import name, only_child, text
from duis_gateway.duis.service_requests.service import NON_DEVICE, SUPPLIERS, RequestBody, Service
from duis_gateway.namespaces import DUIS_5_0, sr


@dataclass(frozen=True, slots=True)
class ReadInventory(RequestBody):
    """SRV 8.2. `device_id` is None where the request asks by UPRN, MPxN or property (`asked_by` says which)."""

    device_id: int | None
    asked_by: str = "DeviceID"


def _read(body: etree._Element, as_sent: dict[int, str]) -> ReadInventory:
    asked = only_child(body)
    if asked.tag != sr("DeviceID"):
        return ReadInventory(None, name(asked))
    as_written = text(asked)
    device_id = parse_eui(as_written)
    as_sent[device_id] = as_written
    return ReadInventory(device_id)


READ_INVENTORY = Service("8.2", "Read Inventory", "ReadInventory", DUIS_5_0, SUPPLIERS, NON_DEVICE, 100, _read)
