"""Service Requests, hubs and alert bodies for the tests of DUIS, and the checks that many of them share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from lxml import etree

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.comms_hub_firmware_failure import CommsHubFirmwareFailure
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.pilot_outcome import PilotOutcome
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import PreferredPilotScheduleDecision
from duis_gateway.duis.alerts.safe_launch_outcome import SafeLaunchOutcome
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.duis.alerts.split_supplier_instruction import OtherSupplier, SplitSupplierInstruction
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.service_requests.request import AnyRequest, read_service_request
from duis_gateway.envelope.schema import Schema
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS, SR, sr
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import (
    Deployment,
    Deviation,
    DeviationKind,
    GroupName,
    PlanBasis,
    PlanStanding,
    VoidPlan,
    VoidReason,
)
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, HubCounts, RolloutAction, Standing
from schemas import schema_path

SUPPLIER = 0x90B3D51F30010000
GATEWAY = 0x90B3D51F30000002
HUB = 0x00DB1234567890A2
HUB_TEXT = "00-DB-12-34-56-78-90-A2"
OTHER_TEXT = "00-db-12-34-56-78-90-a3"
REQUEST_ID = "90-b3-d5-1f-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000"
RESPONSE_ID = RequestId(GATEWAY, SUPPLIER, 7)
AT = datetime(2026, 11, 21, 8, 30, 15, 250_000, UTC)
PERIOD = Period(datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC))

READ_INVENTORY = f"<sr:ReadInventory><sr:DeviceID>{HUB_TEXT}</sr:DeviceID></sr:ReadInventory>"
PILOT_LIST = (
    "<sr:PreferredPilotList><sr:FirmwareReleaseID>R-1</sr:FirmwareReleaseID><sr:FirmwareVersion>9002"
    f"</sr:FirmwareVersion><sr:DeviceIDList>{HUB_TEXT},{OTHER_TEXT}</sr:DeviceIDList></sr:PreferredPilotList>"
)


def group_xml(
    group_id: str = "G1",
    devices: str = HUB_TEXT,
    start: str = "2026-12-01T00:00:00Z",
    end: str = "2026-12-08T01:00:00+01:00",
    stage: str = "Pilot",
    more: str = "",
) -> str:
    return (
        f"<sr:DeploymentGroup><sr:GroupID>{group_id}</sr:GroupID><sr:Stage>{stage}</sr:Stage>"
        f"<sr:DeviceIDList>{devices}</sr:DeviceIDList><sr:EarliestStart>{start}</sr:EarliestStart>"
        f"<sr:LatestEnd>{end}</sr:LatestEnd>{more}</sr:DeploymentGroup>"
    )


def schedule_xml(*groups: str) -> str:
    return (
        "<sr:PreferredPilotSchedule><sr:FirmwareReleaseID>R-1</sr:FirmwareReleaseID>"
        f"<sr:FirmwareVersion>9002</sr:FirmwareVersion>{''.join(groups)}</sr:PreferredPilotSchedule>"
    )


def request_xml(
    body: str = READ_INVENTORY,
    reference: str = "8.2",
    version: str = "6.0",
    variant: str | None = None,
    request_id: str = REQUEST_ID,
    command_variant: str = "8",
) -> bytes:
    return (
        f'<sr:Request xmlns:sr="{SR}" schemaVersion="{version}"><sr:Header><sr:RequestID>{request_id}</sr:RequestID>'
        f"<sr:CommandVariant>{command_variant}</sr:CommandVariant><sr:ServiceReference>{reference}"
        f"</sr:ServiceReference><sr:ServiceReferenceVariant>{variant or reference}</sr:ServiceReferenceVariant>"
        f"</sr:Header><sr:Body>{body}</sr:Body></sr:Request>"
    ).encode()


@cache
def duis_schema(folder: str) -> Schema:
    """Return the project's schema of a folder of `schemas/duis`, compiled once."""
    return Schema(schema_path(f"duis/{folder}"))


def schema_of(version: Decimal) -> Schema:
    return duis_schema(DUIS_SCHEMA_FOLDERS[version])


def read(document: bytes, folder: str = "6.0") -> AnyRequest:
    """Read a document as the gateway does: first held against its schema."""
    return read_service_request(duis_schema(folder).check(document))


def canonical(document: bytes) -> bytes:
    """Return the inclusive C14N 1.0 of a document, without comments."""
    return etree.tostring(etree.fromstring(document), method="c14n", exclusive=False, with_comments=False)


def text_of(document: bytes, name: str) -> str | None:
    """Return the text of the first DUIS element of this name, or None where there is none."""
    found = next(etree.fromstring(document).iter(sr(name)), None)
    return None if found is None else found.text or ""


def texts_of(document: bytes, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(document).iter(sr(name))]


def supplier(version: str, *, published_schema_only: bool = False) -> Party:
    return Party(
        SUPPLIER,
        PartyKind.SUPPLIER,
        "http://127.0.0.1/",
        roles=frozenset({Role.IMPORT_SUPPLIER}),
        duis_version=Decimal(version),
        published_schema_only=published_schema_only,
    )


def hub(csp_region: str = "North", status: str = "Commissioned", **changes: Any) -> Hub:
    found = Hub(
        device_id=HUB,
        device_type="CHF",
        manufacturer="106C",
        model="433100AC",
        firmware_version="9001",
        status=status,
        csp_region=csp_region,
        import_supplier=SUPPLIER,
        gas_supplier=None,
    )
    return replace(found, **changes)


def many_hubs(count: int) -> tuple[int, ...]:
    return tuple(range(HUB, HUB + count))


ACTIVATION = CommsHubFirmwareActivation(HUB, "9002")
FAILURE = CommsHubFirmwareFailure(HUB, "9002", OutcomeStage.ACTIVATION, "hashMismatch", "seen twice")
GROUPS = (DefaultGroup("G1", PERIOD, (HUB, HUB + 1)), DefaultGroup("all others", PERIOD))
CONSTRAINTS = (OfferedConstraint("NIGHT", "between 22:00 & 06:00"),)
COUNTS = HubCounts(targeted=300, activated=297, failed=3)

OPTION_1_BODIES: dict[str, AlertBody] = {
    "N66": DefaultPilotList("R-1", "9002", "North", (HUB, HUB + 1)),
    "N67": DefaultPilotSchedule("R-1", "9002", "4G South", GROUPS, CONSTRAINTS),
    "N68": SafeLaunchSchedule("R-1", "9002", "Central", GROUPS, CONSTRAINTS),
    "N69": SafeLaunchOutcome("R-1", True, COUNTS, "all <well>"),
    "N70": SafeLaunchOutcome("R-1", False, COUNTS),
    "N71": FAILURE,
    "N72": FirmwareRolloutDecision(
        "R-1",
        RolloutAction.DELAY,
        Standing.PROVISIONAL,
        decided_by="DCC",
        reason="incident INC1",
        new_date=AT,
        effect_on_pending="They are held.",
    ),
    "N73": SplitSupplierInstruction("R-1", OtherSupplier.CANNOT_INSTRUCT, (HUB,)),
    "N74": PreferredPilotScheduleDecision(
        "R-1", "G1", GroupDecision.AMENDED, "too many at once", PERIOD, (HUB, HUB + 1)
    ),
    "N75": PilotOutcome("R-1", True, COUNTS, "done"),
    "N76": PilotOutcome("R-1", False, COUNTS, "3 hubs are lost"),
    "N77": FirmwareDeploymentPlan(
        "R-1",
        "00000002",
        (Deployment(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.FIXED, PERIOD, (HUB,)),),
        (VoidPlan(VoidReason.PAUSED, (HUB + 1, HUB + 2), GroupName("WEEK-1", Stage.PILOT)),),
        (Deviation(DeviationKind.PERIOD_MISSED, (HUB + 3,), PERIOD), Deviation(DeviationKind.NOT_PLANNED, (HUB + 4,))),
        AT,
    ),
}
"""One body for each alert of Option 1, by its code."""
