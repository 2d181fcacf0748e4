"""Service Responses as dataclasses, and as the canonical bytes that are signed (design section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from duis_gateway.duis.codes import RESPONSE_CODES
from duis_gateway.duis.device_lists import render_device_list
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.rendering import RESPONSE_END, leaf, node, optional, response_start
from duis_gateway.duis.service_requests.request import AnyRequest
from duis_gateway.duis.service_requests.table import SERVED
from duis_gateway.duis.times import format_date_time
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.rollout.hubs.records import Hub

MAX_DEVICES = 17
"""How many devices one `DSPInventory` can hold."""

DEVICE_STATUSES = frozenset(
    {
        "Pending",
        "Whitelisted",
        "InstalledNotCommissioned",
        "Commissioned",
        "Decommissioned",
        "Withdrawn",
        "Suspended",
        "Recovery",
        "Recovered",
    }
)
"""The words of DUIS's DeviceStatus."""
_REGIONS = frozenset({"North", "Central", "South", "Unknown", "SMETS1"})
_REGIONS_4G = frozenset({"4G North", "4G Central", "4G South"})
_4G_SINCE = Decimal("5.3")
_FIRMWARE_VERSION_LENGTH = 8


@dataclass(frozen=True, slots=True)
class PilotListWarning:
    """`DSPPilotListWarning`: the hubs of a list that are not accepted, each in the first list that fits it.

    The last six are this project's: hubs of SafeLaunch groups that are in the pilot, with E110608, with E110609,
    for a preferred list whose hubs lost their place in standing groups, hubs that the requester itself protects, and
    hubs under way, with E110505 and E110605.
    """

    invalid: tuple[int, ...] = ()
    not_responsible: tuple[int, ...] = ()
    not_commissioned: tuple[int, ...] = ()
    not_applicable: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    other_request_in_progress: tuple[int, ...] = ()
    in_pilot: tuple[int, ...] = ()
    not_on_preferred_list: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    removed_from_group: tuple[int, ...] = ()
    protected: tuple[int, ...] = ()
    under_way: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return any(ids for _, ids in self.lists())

    def lists(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Return the lists in DUIS's order, each with the name of its element."""
        return (
            ("InvalidDeviceIDList", self.invalid),
            ("NotResponsibleDeviceIDList", self.not_responsible),
            ("NotCommissionedDeviceIDList", self.not_commissioned),
            ("NotApplicableFirmwareDeviceIDList", self.not_applicable),
            ("ExcludedDeviceIDList", self.excluded),
            ("OtherRequestInProgressList", self.other_request_in_progress),
            ("InPilotDeviceIDList", self.in_pilot),
            ("NotOnPreferredListDeviceIDList", self.not_on_preferred_list),
            ("RepeatedDeviceIDList", self.repeated),
            ("RemovedFromGroupDeviceIDList", self.removed_from_group),
            ("ProtectedDeviceIDList", self.protected),
            ("UnderWayDeviceIDList", self.under_way),
        )


@dataclass(frozen=True, slots=True)
class ServiceResponse:
    """The answer to one Service Request. `request_id` and `as_sent` have the sender's own spelling."""

    request_id: str
    schema_version: Decimal
    service_reference: str
    service_reference_variant: str
    code: str
    at: datetime
    inventory: tuple[Hub, ...] | None = None
    warning: PilotListWarning | None = None
    as_sent: Mapping[int, str] = field(default_factory=dict)


def response_to(
    request: AnyRequest,
    code: str,
    at: datetime,
    *,
    inventory: tuple[Hub, ...] | None = None,
    warning: PilotListWarning | None = None,
) -> ServiceResponse:
    """Return the answer to this request, of the request's own DUIS version."""
    return ServiceResponse(
        request_id=request.request_id_as_sent,
        schema_version=request.schema_version,
        service_reference=request.service_reference,
        service_reference_variant=request.service_reference_variant,
        code=code,
        at=at,
        inventory=inventory,
        warning=warning,
        as_sent=request.as_sent,
    )


def render_service_response(response: ServiceResponse) -> bytes:
    """Return the unsigned `sr:Response` as UTF-8 that is its own inclusive C14N 1.0.

    There is no ResponseID: DUIS gives one only where the answer comes from a device.

    Raises:
        ValueError: the answer holds what its DUIS version cannot carry.
    """
    _check_version(response)
    header = node(
        "Header",
        leaf("RequestID", response.request_id),
        leaf("ResponseCode", response.code),
        leaf("ResponseDateTime", format_date_time(response.at)),
    )
    message = node(
        "ResponseMessage",
        leaf("ServiceReference", response.service_reference),
        leaf("ServiceReferenceVariant", response.service_reference_variant),
        _inventory(response),
        _warning(response),
    )
    start = response_start(response.schema_version)
    return f"{start}{header}{node('Body', message)}{RESPONSE_END}".encode()


def _check_version(response: ServiceResponse) -> None:
    version = response.schema_version
    code = RESPONSE_CODES.get(response.code)
    if code is None or code.since > version:
        raise ValueError(f"DUIS {version} has no response code {response.code}")
    service = SERVED.get(response.service_reference)
    if service is not None and service.since > version:
        raise ValueError(f"DUIS {version} has no service reference {response.service_reference}")
    if response.warning and version < DUIS_6_0:
        raise ValueError(f"DUIS {version} has no warning for pilot lists")
    if response.warning and response.inventory is not None:
        raise ValueError("one answer cannot hold both an inventory and a warning")


def _inventory(response: ServiceResponse) -> str:
    hubs = response.inventory
    if hubs is None:
        return ""
    if not 0 < len(hubs) <= MAX_DEVICES:
        raise ValueError(f"an inventory holds 1 to {MAX_DEVICES} devices, not {len(hubs)}")
    return node("DSPInventory", *(_device(hub, response) for hub in hubs))


def _device(hub: Hub, response: ServiceResponse) -> str:
    regions = _REGIONS | _REGIONS_4G if response.schema_version >= _4G_SINCE else _REGIONS
    version_fits = 0 < len(hub.firmware_version) <= _FIRMWARE_VERSION_LENGTH
    return node(
        "Device",
        leaf("DeviceID", response.as_sent.get(hub.device_id) or format_eui(hub.device_id)),
        leaf("DeviceType", hub.device_type),
        optional("DeviceStatus", hub.status if hub.status in DEVICE_STATUSES else None),
        leaf("DeviceManufacturer", hub.manufacturer),
        leaf("DeviceModel", hub.model),
        optional("DeviceFirmwareVersion", hub.firmware_version if version_fits else None),
        optional("CSPRegion", hub.csp_region if hub.csp_region in regions else None),
    )


def _warning(response: ServiceResponse) -> str:
    if not response.warning:
        return ""
    lists = (leaf(name, render_device_list(ids, response.as_sent)) for name, ids in response.warning.lists() if ids)
    return node("DSPPilotListWarning", *lists)
