"""Service Requests as documents to be signed, for suppliers that have no program of their own for them yet."""

from __future__ import annotations

from collections.abc import Iterable

from duis_gateway.duis.device_lists import render_device_list
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.rendering import leaf, node
from duis_gateway.duis.services import PREFERRED_PILOT_LIST
from duis_gateway.duis.versions import format_version
from duis_gateway.namespaces import DUIS_6_0, SR

_NON_DEVICE = 8


def render_pilot_list(
    request_id: RequestId, release_id: str, firmware_version: str, device_ids: Iterable[int]
) -> bytes:
    """Return an unsigned 11.5 with a whole list, canonical, with no white space between elements.

    Raises:
        ValueError: a text has a character that XML cannot carry.
    """
    body = node(
        "PreferredPilotList",
        leaf("FirmwareReleaseID", release_id),
        leaf("FirmwareVersion", firmware_version),
        leaf("DeviceIDList", render_device_list(device_ids)),
    )
    header = node(
        "Header",
        leaf("RequestID", str(request_id)),
        leaf("CommandVariant", _NON_DEVICE),
        leaf("ServiceReference", PREFERRED_PILOT_LIST),
        leaf("ServiceReferenceVariant", PREFERRED_PILOT_LIST),
    )
    version = format_version(DUIS_6_0)
    return f'<sr:Request xmlns:sr="{SR}" schemaVersion="{version}">{header}{node("Body", body)}</sr:Request>'.encode()
