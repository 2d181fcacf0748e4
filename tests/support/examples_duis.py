"""Service Requests, their answers and DCC Alerts for docs/examples, unsigned and as canonical bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.comms_hub_firmware_failure import CommsHubFirmwareFailure
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.pilot_outcome import PilotOutcome
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import PreferredPilotScheduleDecision
from duis_gateway.duis.alerts.prepare import prepare
from duis_gateway.duis.alerts.safe_launch_outcome import SafeLaunchOutcome
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.duis.alerts.split_supplier_instruction import OtherSupplier, SplitSupplierInstruction
from duis_gateway.duis.device_lists import render_device_list
from duis_gateway.duis.identifiers import RequestId, parse_eui
from duis_gateway.duis.responses import PilotListWarning, render_service_response, response_to
from duis_gateway.duis.service_requests.request import read_service_request
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.namespaces import SR
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

GATEWAY = parse_eui("90-B3-D5-1F-30-00-00-02")
SUPPLIER = parse_eui("90-B3-D5-1F-30-01-00-00")
OTHER_SUPPLIER = parse_eui("90-B3-D5-1F-30-02-00-00")
CSP = parse_eui("90-B3-D5-1F-30-00-00-07")
DCC = parse_eui("90-B3-D5-1F-30-00-00-0A")
HUBS = tuple(parse_eui(f"00-DB-12-34-56-00-00-{number:02X}") for number in range(1, 9))
GPF = parse_eui("00-DB-12-34-56-00-01-01")
UNKNOWN = parse_eui("00-DB-99-99-99-00-00-01")

AT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
PILOT = Period(datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 3, 4, tzinfo=UTC))
WEEK = Period(datetime(2027, 1, 11, tzinfo=UTC), datetime(2027, 1, 18, tzinfo=UTC))
AUTOMATIC = datetime(2027, 5, 21, tzinfo=UTC)

RELEASE, VERSION, MANUFACTURER, MODEL = "SEC-2026-11-A", "9002", "106C", "433100AC"
GROUPS = (DefaultGroup("WAVE-1", WEEK, HUBS[:2]), DefaultGroup("THE-REST", PILOT))
CONSTRAINTS = (OfferedConstraint("NIGHT", "Between 00:00 and 05:00 UTC only"),)
PLANNED = Deployment(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.FIXED, WEEK, HUBS[1:3])
VOID = VoidPlan(VoidReason.AWAITS_SECOND_SUPPLIER, HUBS[3:4])
DEVIATION = Deviation(DeviationKind.BEFORE_PERIOD, HUBS[1:2], WEEK)
REQUESTED = replace(PLANNED, standing=PlanStanding.REQUESTED, device_ids=HUBS[4:5])
OF_OWN_GROUP = VoidPlan(VoidReason.TOO_LATE, HUBS[1:3], GroupName("WEEK-1", Stage.PILOT))
OF_NO_GROUP = VoidPlan(VoidReason.TOO_LATE, HUBS[5:6])
MISSED = Deviation(DeviationKind.PERIOD_MISSED, HUBS[2:3], WEEK)
COUNTS = HubCounts(targeted=300, activated=297, failed=3)


@dataclass(frozen=True)
class Example:
    """One file of docs/examples: who signs it ("supplier", "gateway", "csp", "dcc"), its schema, its content."""

    name: str
    signer: str
    schema: str
    content: bytes


def request(counter: int, reference: str, body: str, version: str = "6.0") -> bytes:
    """Return a Service Request of the supplier."""
    request_id = RequestId(SUPPLIER, GATEWAY, counter)
    return (
        f'<sr:Request xmlns:sr="{SR}" schemaVersion="{version}"><sr:Header><sr:RequestID>{request_id}</sr:RequestID>'
        f"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>{reference}</sr:ServiceReference>"
        f"<sr:ServiceReferenceVariant>{reference}</sr:ServiceReferenceVariant></sr:Header>"
        f"<sr:Body>{body}</sr:Body></sr:Request>"
    ).encode()


def _devices(name: str, *ids: int) -> str:
    return f"<sr:{name}>{render_device_list(ids)}</sr:{name}>"


def _about(body: str) -> str:
    version = f"<sr:FirmwareVersion>{VERSION}</sr:FirmwareVersion>"
    return f"<sr:FirmwareReleaseID>{RELEASE}</sr:FirmwareReleaseID>{version}{body}"


_WHOLE = _about(_devices("DeviceIDList", *HUBS[:4], UNKNOWN))
_AMENDED = _about(_devices("AddDeviceIDList", HUBS[5]) + _devices("RemoveDeviceIDList", HUBS[0]))
_GROUP = (
    "<sr:DeploymentGroup><sr:GroupID>WEEK-1</sr:GroupID><sr:Stage>Pilot</sr:Stage>"
    + _devices("DeviceIDList", *HUBS[1:4])
    + "<sr:EarliestStart>2027-01-11T00:00:00Z</sr:EarliestStart><sr:LatestEnd>2027-01-18T00:00:00Z</sr:LatestEnd>"
    "<sr:SchedulingConstraint>NIGHT</sr:SchedulingConstraint></sr:DeploymentGroup>"
)

READ_INVENTORY = request(
    1, "8.2", f"<sr:ReadInventory>{_devices('DeviceID', HUBS[0])}</sr:ReadInventory>", version="5.4"
)
WHOLE_LIST = request(2, "11.5", f"<sr:PreferredPilotList>{_WHOLE}</sr:PreferredPilotList>")
AMENDMENTS = request(3, "11.5", f"<sr:PreferredPilotList>{_AMENDED}</sr:PreferredPilotList>")
AS_IT_IS = request(4, "11.5", f"<sr:PreferredPilotList>{_about('')}</sr:PreferredPilotList>")
_TAKEN_BACK = "<sr:CancelledGroup><sr:GroupID>WEEK-1</sr:GroupID><sr:Stage>Pilot</sr:Stage></sr:CancelledGroup>"
SCHEDULE = request(5, "11.6", f"<sr:PreferredPilotSchedule>{_about(_GROUP)}</sr:PreferredPilotSchedule>")
CANCELLATION = request(6, "11.6", f"<sr:PreferredPilotSchedule>{_about(_TAKEN_BACK)}</sr:PreferredPilotSchedule>")


def hub() -> Hub:
    """Return the hub that 8.2 asks for."""
    return Hub(HUBS[0], "CHF", MANUFACTURER, MODEL, "9001", "Commissioned", "North", SUPPLIER, OTHER_SUPPLIER)


def _answer(asked: bytes, code: str, warning: PilotListWarning | None = None, *hubs: Hub) -> bytes:
    served = read_service_request(parse_trusted(asked))
    return render_service_response(response_to(served, code, AT, inventory=hubs or None, warning=warning))


def supplier(version: str, *, published_schema_only: bool = False) -> Party:
    """Return the supplier as registered for a DUIS version."""
    return Party(
        SUPPLIER,
        PartyKind.SUPPLIER,
        "https://adapter.example/",
        roles=frozenset(Role),
        duis_version=Decimal(version),
        published_schema_only=published_schema_only,
    )


def _alert(body: AlertBody, counter: int, version: str = "6.0", *, published: bool = False) -> bytes:
    [prepared] = prepare(body, supplier(version, published_schema_only=published))
    return prepared.render(RequestId(GATEWAY, SUPPLIER, 1_795_249_800_000 + counter), AT)


ACTIVATION = CommsHubFirmwareActivation(HUBS[1], VERSION)
DECISION = FirmwareRolloutDecision(
    RELEASE,
    RolloutAction.PAUSE,
    Standing.PROVISIONAL,
    decided_by="DCC, pending the Panel",
    reason="Incident INC-1",
    effect_on_pending="Pending requests are held: no hub that is not yet active is updated until DCC proceeds.",
)
ALERTS: tuple[tuple[str, AlertBody], ...] = (
    ("N64", ACTIVATION),
    ("N66", DefaultPilotList(RELEASE, VERSION, "North", HUBS[:3])),
    ("N67", DefaultPilotSchedule(RELEASE, VERSION, "North", GROUPS, CONSTRAINTS)),
    ("N68", SafeLaunchSchedule(RELEASE, VERSION, "North", GROUPS, CONSTRAINTS)),
    ("N69", SafeLaunchOutcome(RELEASE, True, COUNTS, "Three hubs are being replaced.")),
    ("N70", SafeLaunchOutcome(RELEASE, False, COUNTS)),
    ("N71", CommsHubFirmwareFailure(HUBS[2], VERSION, OutcomeStage.ACTIVATION, "hashMismatch", "Seen twice.")),
    ("N72", DECISION),
    ("N73", SplitSupplierInstruction(RELEASE, OtherSupplier.NOT_INSTRUCTED, HUBS[3:5])),
    (
        "N74",
        PreferredPilotScheduleDecision(RELEASE, "WEEK-1", GroupDecision.AMENDED, "Capacity", WEEK, HUBS[1:3]),
    ),
    ("N75", PilotOutcome(RELEASE, True, COUNTS)),
    ("N76", PilotOutcome(RELEASE, False, COUNTS, "Three hubs lost their WAN.")),
    ("N77", FirmwareDeploymentPlan(RELEASE, VERSION, (PLANNED,), (VOID,), (DEVIATION,))),
)
OTHER_N77: tuple[tuple[str, AlertBody], ...] = (
    ("own-group", FirmwareDeploymentPlan(RELEASE, VERSION, (REQUESTED,), (OF_OWN_GROUP, OF_NO_GROUP))),
    ("missed", FirmwareDeploymentPlan(RELEASE, VERSION, deviations=(MISSED,))),
    ("remaining", FirmwareDeploymentPlan(RELEASE, VERSION, remaining=AUTOMATIC)),
)
"""The forms of N77 that the one above has not."""


def duis_examples() -> list[Example]:
    """Return every example of the DUIS door and of the DCC Alerts."""
    partly = PilotListWarning(invalid=(UNKNOWN,))
    unlisted = PilotListWarning(not_on_preferred_list=HUBS[3:4])
    found = [
        Example("duis-8.2-request", "supplier", "duis/5.1", READ_INVENTORY),
        Example("duis-8.2-response-I0", "gateway", "duis/5.1", _answer(READ_INVENTORY, "I0", None, hub())),
        Example("duis-8.2-response-E4", "gateway", "duis/5.1", _answer(READ_INVENTORY, "E4")),
        Example("duis-11.5-request-whole-list", "supplier", "duis/6.0", WHOLE_LIST),
        Example("duis-11.5-request-amendments", "supplier", "duis/6.0", AMENDMENTS),
        Example("duis-11.5-request-as-it-is", "supplier", "duis/6.0", AS_IT_IS),
        Example("duis-11.5-response-W110501", "gateway", "duis/6.0", _answer(WHOLE_LIST, "W110501", partly)),
        Example("duis-11.5-response-I99", "gateway", "duis/6.0", _answer(AMENDMENTS, "I99")),
        Example("duis-11.6-request", "supplier", "duis/6.0", SCHEDULE),
        Example("duis-11.6-request-cancelled", "supplier", "duis/6.0", CANCELLATION),
        Example("duis-11.6-response-I99", "gateway", "duis/6.0", _answer(SCHEDULE, "I99")),
        Example("duis-11.6-response-E110608", "gateway", "duis/6.0", _answer(SCHEDULE, "E110608", unlisted)),
        Example("duis-N999", "gateway", "duis/5.0", _alert(ACTIVATION, 20, "5.0")),
        Example(
            "duis-N999-published-schema-only", "gateway", "duis/5.0", _alert(ACTIVATION, 21, "5.0", published=True)
        ),
    ]
    for number, (code, body) in enumerate(ALERTS):
        found.append(Example(f"duis-{code}", "gateway", "duis/6.0", _alert(body, number)))
    for number, (form, body) in enumerate(OTHER_N77, len(ALERTS)):
        found.append(Example(f"duis-N77-{form}", "gateway", "duis/6.0", _alert(body, number)))
    return found


def _published_n999() -> bytes:
    return _alert(ACTIVATION, 21, "5.0", published=True)


LATER = AT + timedelta(days=60)
"""When hubs are updated."""
