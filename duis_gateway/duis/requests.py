"""Service Requests as dataclasses, read from proven documents (design section 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar, cast

from lxml import etree

from duis_gateway.duis.device_lists import parse_device_list
from duis_gateway.duis.identifiers import RequestId, parse_eui
from duis_gateway.duis.request_bodies import (
    DeploymentGroup,
    PreferredPilotList,
    PreferredPilotSchedule,
    ReadInventory,
    RequestBody,
    Unserved,
)
from duis_gateway.duis.services import (
    ELEMENT_CAPS,
    PREFERRED_PILOT_LIST,
    PREFERRED_PILOT_SCHEDULE,
    READ_INVENTORY,
    SERVED,
    body_belongs,
    variant_belongs,
)
from duis_gateway.duis.times import parse_date_time
from duis_gateway.duis.versions import parse_version
from duis_gateway.errors import Finding, NotValid
from duis_gateway.namespaces import sr
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.text.numbers import parse_whole_number

__all__ = [
    "ELEMENT_CAPS",
    "SERVED",
    "AnyRequest",
    "ServiceRequest",
    "read_request_id",
    "read_service_request",
    "schema_version_of",
]

_XML_SPACE = " \t\r\n"
_MAX_FINDINGS = 10


Body_co = TypeVar("Body_co", bound=RequestBody, covariant=True)


@dataclass(frozen=True, slots=True)
class ServiceRequest(Generic[Body_co]):
    """One Service Request.

    `request_id_as_sent` and `as_sent` (device id -> text) keep the sender's spelling, which answers echo.
    """

    request_id: RequestId
    request_id_as_sent: str
    schema_version: Decimal
    command_variant: int
    service_reference: str
    service_reference_variant: str
    body: Body_co
    as_sent: Mapping[int, str]


AnyRequest = ServiceRequest[RequestBody]


class _Wrong(Exception):
    """Something is wrong at one place of the request."""

    def __init__(self, element: etree._Element, reason: str) -> None:
        super().__init__(reason)
        self.finding = Finding(_path(element), cast("int | None", element.sourceline), reason)


def read_request_id(root: etree._Element) -> RequestId:
    """Return the RequestID of a proven document that has not been held against a schema yet.

    Raises:
        NotValid: the document is no `sr:Request`, or its RequestID is missing or malformed.
    """
    try:
        return _request_id(root)[0]
    except _Wrong as wrong:
        raise _refusal([wrong.finding]) from None


def schema_version_of(root: etree._Element) -> Decimal:
    """Return the DUIS version of a document, as a number: 5.10 is 5.1.

    Raises:
        NotValid: the attribute `schemaVersion` is missing, no decimal, or of a version that is not served.
    """
    try:
        return _schema_version(root)
    except _Wrong as wrong:
        raise _refusal([wrong.finding]) from None


def read_service_request(root: etree._Element) -> AnyRequest:
    """Read a proven Service Request that is valid against the schema of its version.

    Linear in the length of its lists; a device that a list names twice counts once.

    Raises:
        NotValid: what the schema cannot say: the counter is 0, the variant or the body is not that of the
            service reference, or a time has no zone.
    """
    try:
        request_id, request_id_as_sent = _request_id(root)
        version = _schema_version(root)
        header = _child(root, "Header")
        element = _only_child(_child(root, "Body"))
        reference = _text(_child(header, "ServiceReference"))
        _check_header(header, request_id, element)
        as_sent: dict[int, str] = {}
        body = _READERS.get(reference, _read_unserved)(element, as_sent)
        return ServiceRequest(
            request_id=request_id,
            request_id_as_sent=request_id_as_sent,
            schema_version=version,
            command_variant=_number(_child(header, "CommandVariant")),
            service_reference=reference,
            service_reference_variant=_text(_child(header, "ServiceReferenceVariant")),
            body=body,
            as_sent=as_sent,
        )
    except _Wrong as wrong:
        raise _refusal([wrong.finding]) from None


def _check_header(header: etree._Element, request_id: RequestId, body: etree._Element) -> None:
    if request_id.counter == 0:
        raise _Wrong(_child(header, "RequestID"), "the counter is 0")
    reference = _text(_child(header, "ServiceReference"))
    variant = _child(header, "ServiceReferenceVariant")
    if not variant_belongs(reference, _text(variant)):
        raise _Wrong(variant, f"{_text(variant)} is no variant of service reference {reference}")
    if not body_belongs(reference, _name(body)):
        raise _Wrong(body, f"the body is not that of service reference {reference}")


def _request_id(root: etree._Element) -> tuple[RequestId, str]:
    if root.tag != sr("Request"):
        raise _Wrong(root, "the document is no Request of DUIS")
    element = _child(_child(root, "Header"), "RequestID")
    text = _text(element)
    try:
        return RequestId.parse(text), text
    except ValueError as error:
        raise _Wrong(element, str(error)) from None


def _schema_version(root: etree._Element) -> Decimal:
    text = root.get("schemaVersion")
    if text is None:
        raise _Wrong(root, "the attribute schemaVersion is missing")
    try:
        return parse_version(str(text))
    except ValueError as error:
        raise _Wrong(root, f"schemaVersion {str(text)[:20]!r}: {error}") from None


def _read_inventory(body: etree._Element, as_sent: dict[int, str]) -> ReadInventory:
    asked = _only_child(body)
    if asked.tag != sr("DeviceID"):
        return ReadInventory(None, _name(asked))
    text = _text(asked)
    device_id = parse_eui(text)
    as_sent[device_id] = text
    return ReadInventory(device_id)


def _read_pilot_list(body: etree._Element, as_sent: dict[int, str]) -> PreferredPilotList:
    whole = body.find(sr("DeviceIDList"))
    return PreferredPilotList(
        release_id=_text(_child(body, "FirmwareReleaseID")),
        firmware_version=_verbatim(_child(body, "FirmwareVersion")),
        device_ids=None if whole is None else _devices(whole, as_sent),
        add=_devices(body.find(sr("AddDeviceIDList")), as_sent),
        remove=_devices(body.find(sr("RemoveDeviceIDList")), as_sent),
    )


def _read_pilot_schedule(body: etree._Element, as_sent: dict[int, str]) -> PreferredPilotSchedule:
    groups: list[DeploymentGroup] = []
    findings: list[Finding] = []
    for element in body.iterchildren(sr("DeploymentGroup")):
        try:
            groups.append(_read_group(element, as_sent))
        except _Wrong as wrong:
            findings.append(wrong.finding)
        if len(findings) == _MAX_FINDINGS:
            break
    if findings:
        raise _refusal(findings)
    return PreferredPilotSchedule(
        release_id=_text(_child(body, "FirmwareReleaseID")),
        firmware_version=_verbatim(_child(body, "FirmwareVersion")),
        groups=tuple(groups),
    )


def _read_group(group: etree._Element, as_sent: dict[int, str]) -> DeploymentGroup:
    return DeploymentGroup(
        group_id=_verbatim(_child(group, "GroupID")),
        stage=Stage(_text(_child(group, "Stage"))),
        device_ids=_devices(_child(group, "DeviceIDList"), as_sent),
        period=Period(_time(_child(group, "EarliestStart")), _time(_child(group, "LatestEnd"))),
        constraints=tuple(_verbatim(each) for each in group.iterchildren(sr("SchedulingConstraint"))),
    )


def _read_unserved(body: etree._Element, as_sent: dict[int, str]) -> Unserved:
    return Unserved(_name(body))


_READERS: dict[str, Callable[[etree._Element, dict[int, str]], RequestBody]] = {
    READ_INVENTORY: _read_inventory,
    PREFERRED_PILOT_LIST: _read_pilot_list,
    PREFERRED_PILOT_SCHEDULE: _read_pilot_schedule,
}


def _devices(element: etree._Element | None, as_sent: dict[int, str]) -> tuple[int, ...]:
    if element is None:
        return ()
    try:
        devices = parse_device_list(_verbatim(element))
    except ValueError as error:
        raise _Wrong(element, str(error)) from None
    if not as_sent:
        as_sent.update(devices.as_sent)
    else:
        for device_id, text in devices.as_sent.items():
            as_sent.setdefault(device_id, text)
    return devices.ids


def _time(element: etree._Element) -> datetime:
    try:
        return parse_date_time(_verbatim(element))
    except ValueError as error:
        raise _Wrong(element, str(error)) from None


def _child(parent: etree._Element, name: str) -> etree._Element:
    element = parent.find(sr(name))
    if element is None:
        raise _Wrong(parent, f"{name} is missing")
    return element


def _only_child(parent: etree._Element) -> etree._Element:
    for element in parent.iterchildren("*"):
        return element
    raise _Wrong(parent, "it is empty")


def _number(element: etree._Element) -> int:
    try:
        return parse_whole_number(_text(element))
    except ValueError as error:
        raise _Wrong(element, str(error)) from None


def _verbatim(element: etree._Element) -> str:
    return element.text or ""


def _text(element: etree._Element) -> str:
    return (element.text or "").strip(_XML_SPACE)


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _path(element: etree._Element) -> str:
    """The element's path with DUIS's usual prefix, whatever prefix the sender uses."""
    steps = []
    step: etree._Element | None = element
    while step is not None:
        twins = list(step.itersiblings(step.tag, preceding=True))
        steps.append(f"sr:{_name(step)}" + (f"[{len(twins) + 1}]" if twins else ""))
        step = step.getparent()
    return "/" + "/".join(reversed(steps))


def _refusal(findings: list[Finding]) -> NotValid:
    return NotValid(findings[0].reason, tuple(findings))
