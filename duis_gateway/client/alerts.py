"""The bodies of DCC Alerts, read from documents that are proven and valid (the gateway's own renderer writes them)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.comms_hub_firmware_failure import CommsHubFirmwareFailure
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.duis_version_mismatch import DUISVersionMismatch
from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.duis.alerts.pilot_outcome import PilotOutcome
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import PreferredPilotScheduleDecision
from duis_gateway.duis.alerts.safe_launch_outcome import SafeLaunchOutcome
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.duis.alerts.split_supplier_instruction import SplitSupplierInstruction
from duis_gateway.duis.alerts.table import ALERTS, AlertCode
from duis_gateway.errors import NotValid
from duis_gateway.namespaces import SR, sr
from duis_gateway.text.numbers import parse_whole_number

__all__ = [
    "Alert",
    "CommsHubFirmwareActivation",
    "CommsHubFirmwareFailure",
    "DUISVersionMismatch",
    "DefaultPilotList",
    "DefaultPilotSchedule",
    "FirmwareDeploymentPlan",
    "FirmwareRolloutDecision",
    "PartOf",
    "PilotOutcome",
    "PreferredPilotScheduleDecision",
    "SafeLaunchOutcome",
    "SafeLaunchSchedule",
    "SplitSupplierInstruction",
    "read_alert",
]


Alert = AlertCode


@dataclass(frozen=True, slots=True)
class PartOf:
    """This alert is part `number` of `count`: its lists go on in the others."""

    number: int
    count: int


_SKIP = len(SR) + 2
_PARTS = ("PartNumber", "PartCount")


def read_alert(message: etree._Element) -> tuple[Any, PartOf | None]:
    """Return the body of a valid `DCCAlertMessage`, and which part it is of what was too long for one alert.

    The body is None where the alert is of a code that this version does not know.

    Raises:
        NotValid: a value that the schema could not refuse, such as a day that no month has.
    """
    kind = ALERTS.get(message.findtext(sr("DCCAlertCode")) or "")
    element = message.find(f"{sr('DCCAlert')}/*")
    if element is None or kind is None:
        return None, None
    part = _take_part(element)
    return kind.record.read(element, _SKIP), part


def _take_part(element: etree._Element) -> PartOf | None:
    found = [one for name in _PARTS for one in element.findall(sr(name))]
    for one in found:
        element.remove(one)
    try:
        return PartOf(*(parse_whole_number(one.text or "") for one in found)) if found else None
    except ValueError as error:
        raise NotValid(f"PartNumber or PartCount is {error}") from None
