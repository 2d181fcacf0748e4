"""The bodies of DCC Alerts, read from documents that are proven and valid (the gateway's own renderer writes them)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lxml import etree

from duis_gateway.client.eui import Eui
from duis_gateway.duis import alert_bodies as bodies
from duis_gateway.duis.times import format_date_time, parse_date_time
from duis_gateway.namespaces import SR, sr
from duis_gateway.partners.xml import COUNT, TEXT, Field, Inline, Record, Scalar, enumerated
from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, HubCounts, RolloutAction, Standing


class Alert(StrEnum):
    """The codes of the DCC Alerts that the gateway raises."""

    N64 = "N64"
    """A hub now runs a firmware version."""
    N66 = "N66"
    """A CSP's default pilot list."""
    N67 = "N67"
    """A CSP's default pilot schedule."""
    N68 = "N68"
    """A CSP's safe launch schedule."""
    N69 = "N69"
    """Safe launch succeeded."""
    N70 = "N70"
    """Safe launch failed."""
    N71 = "N71"
    """Distribution to a hub, or activation there, failed."""
    N72 = "N72"
    """A roll-out decision, or hubs that DCC instructs itself."""
    N73 = "N73"
    """What the second supplier of hubs has done."""
    N74 = "N74"
    """The CSP's final say on a group of a preferred schedule."""
    N75 = "N75"
    """The pilot succeeded."""
    N76 = "N76"
    """The pilot failed."""
    N999 = "N999"
    """Something that the recipient's DUIS version cannot be told."""


@dataclass(frozen=True, slots=True)
class DUISVersionMismatch:
    """N999: an alert of this code was meant for the recipient, whose DUIS version does not know it."""

    meant: str
    duis_version: str
    device_id: int | None = None
    firmware_version: str | None = None


@dataclass(frozen=True, slots=True)
class PartOf:
    """This alert is part `number` of `count`: its lists go on in the others."""

    number: int
    count: int


EUI = Scalar(Eui, str)
DEVICE_LIST = Scalar(lambda text: tuple(map(Eui, text.split(","))), lambda ids: ",".join(map(str, map(Eui, ids))))
TIME = Scalar(parse_date_time, format_date_time)

_RELEASE = Field("FirmwareReleaseID", "release_id", TEXT)
_VERSION = Field("FirmwareVersion", "firmware_version", TEXT)
_REGION = Field("CSPRegion", "csp_region", TEXT)
_DEVICE = Field("DeviceID", "device_id", EUI)
_DEVICES = Field("DeviceIDList", "device_ids", DEVICE_LIST, optional=True)
_REASON = Field("Reason", "reason", TEXT, optional=True)
_COMMENTARY = Field("Commentary", "commentary", TEXT, optional=True)
_PERIOD = Inline("period", Record(Period, Field("EarliestStart", "start", TIME), Field("LatestEnd", "end", TIME)))
_GROUPS = Field(
    "DeploymentGroup", "groups", Record(DefaultGroup, Field("GroupID", "group_id", TEXT), _DEVICES, _PERIOD), many=True
)
_CONSTRAINT = Record(
    OfferedConstraint,
    Field("Code", "code", TEXT),
    Field("Description", "description", TEXT, optional=True),
    given={"description": ""},
)
_COUNTS = Record(
    HubCounts,
    Field("HubsTargeted", "targeted", COUNT),
    Field("HubsActivated", "activated", COUNT),
    Field("HubsFailed", "failed", COUNT),
)


def _decision(text: str) -> RolloutAction | bodies.DirectInstruction:
    return RolloutAction(text) if text in set(RolloutAction) else bodies.DirectInstruction(text)


def _outcome(kind: type, *, success: bool) -> Record:
    return Record(kind, _RELEASE, Inline("counts", _COUNTS), _COMMENTARY, given={"success": success})


_DECISION = Record(
    bodies.FirmwareRolloutDecision,
    _RELEASE,
    Field("Decision", "decision", Scalar(_decision, str)),
    Field("DecisionStatus", "standing", enumerated(Standing)),
    Field("DecidedBy", "decided_by", TEXT, optional=True),
    _REASON,
    Field("NewDate", "new_date", TIME, optional=True),
    Field("EffectOnPendingRequests", "effect_on_pending", TEXT, optional=True),
    _DEVICES,
    _PERIOD,
)

RECORDS: Mapping[str, Record] = {
    Alert.N64: Record(bodies.CommsHubFirmwareActivation, _DEVICE, _VERSION),
    Alert.N66: Record(bodies.DefaultPilotList, _RELEASE, _VERSION, _REGION, _DEVICES),
    Alert.N67: Record(
        bodies.DefaultPilotSchedule,
        _RELEASE,
        _VERSION,
        _REGION,
        _GROUPS,
        Field("OfferedConstraint", "constraints", _CONSTRAINT, many=True),
    ),
    Alert.N68: Record(bodies.SafeLaunchSchedule, _RELEASE, _VERSION, _REGION, _GROUPS),
    Alert.N69: _outcome(bodies.SafeLaunchOutcome, success=True),
    Alert.N70: _outcome(bodies.SafeLaunchOutcome, success=False),
    Alert.N71: Record(
        bodies.CommsHubFirmwareFailure,
        _DEVICE,
        _VERSION,
        Field("Stage", "stage", enumerated(OutcomeStage)),
        Field("FailureReason", "reason", TEXT, optional=True),
        _COMMENTARY,
    ),
    Alert.N72: _DECISION,
    Alert.N73: Record(
        bodies.SplitSupplierInstruction,
        _RELEASE,
        Field("OtherSupplier", "other", enumerated(bodies.OtherSupplier)),
        _DEVICES,
    ),
    Alert.N74: Record(
        bodies.PreferredPilotScheduleDecision,
        _RELEASE,
        Field("GroupID", "group_id", TEXT),
        Field("Decision", "decision", enumerated(GroupDecision)),
        _REASON,
        _PERIOD,
        _DEVICES,
    ),
    Alert.N75: _outcome(bodies.PilotOutcome, success=True),
    Alert.N76: _outcome(bodies.PilotOutcome, success=False),
}
"""How the body of each alert stands in its element; N999 has an element inside an element and is read below."""

_SKIP = len(SR) + 2
_PARTS = ("PartNumber", "PartCount")


def read_alert(message: etree._Element) -> tuple[Any, PartOf | None]:
    """Return the body of a valid `DCCAlertMessage`, and which part it is of what was too long for one alert.

    The body is None where the alert is of a code that this version does not know.

    Raises:
        NotValid: a value that the schema could not refuse, such as a day that no month has.
    """
    code = message.findtext(sr("DCCAlertCode")) or ""
    element = message.find(f"{sr('DCCAlert')}/*")
    if element is None:
        return None, None
    if code == Alert.N999:
        return _read_mismatch(element), None
    record = RECORDS.get(code)
    if record is None:
        return None, None
    part = _take_part(element)
    return record.read(element, _SKIP), part


def _take_part(element: etree._Element) -> PartOf | None:
    found = [one for name in _PARTS for one in element.findall(sr(name))]
    for one in found:
        element.remove(one)
    return PartOf(*(int(one.text or "") for one in found)) if found else None


def _read_mismatch(element: etree._Element) -> DUISVersionMismatch:
    text: Callable[[str], str | None] = element.findtext
    device = text(f".//{sr('DeviceID')}")
    return DUISVersionMismatch(
        meant=text(f".//{sr('DCCAlertCode')}") or "",
        duis_version=text(sr("ServiceUserDUISVersion")) or "",
        device_id=None if device is None else Eui(device),
        firmware_version=text(f".//{sr('FirmwareVersion')}"),
    )
