"""The messages of the Enterprise Systems Interface, namespace `urn:esi:1` (design section 4).

From DCC come releases, their life, decisions, incidents, batches and inventory updates; to DCC go what
suppliers prefer and how the pilot goes. `schemas/esi/1/` says the same in XSD.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree

from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.namespaces import ESI
from duis_gateway.partners.bodies import (
    COMMENTARY,
    DEVICE_MODEL,
    HUBS_IN_A_MESSAGE,
    REGION,
    RELEASE_ID,
    SUPPLIER,
    VERSION,
    Batch,
    ChangeOfStage,
    DecisionOnRollout,
    OffThePlan,
    PlanOfHubs,
    ReleaseFacts,
    ReleaseHappening,
    Selection,
    StageOutcome,
    Succession,
    SupplierPilotList,
    SupplierPilotSchedule,
    batch,
    off_the_plan,
    plan_of_hubs,
    release_happening,
    release_items,
    rollout_decision,
    selection,
    stage_change,
    stage_outcome,
    succession,
    supplier_list,
    supplier_schedule,
)
from duis_gateway.partners.messages import Direction, Interface, Part, PartnerBody
from duis_gateway.partners.xml import COUNT, EUI, FLAG, SUCCESS, TEXT, TIME, Field, Record, Scalar, enumerated
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs.records import NO_GPF, Hub
from duis_gateway.rollout.releases.records import FailureThreshold, Period, PilotTerms, ReleaseType
from duis_gateway.rollout.rollout_decisions.records import HubCounts, RolloutAction, Standing

__all__ = [
    "BatchInstruction",
    "Closure",
    "FailureThreshold",
    "FirmwareRelease",
    "Hub",
    "HubCounts",
    "HubOutcome",
    "Incident",
    "InventoryUpdate",
    "OutcomeStage",
    "Part",
    "PauseProposal",
    "Period",
    "PilotOutcome",
    "PilotProgress",
    "PilotSelection",
    "PilotTerms",
    "PlanDeviation",
    "PlannedDeploymentReport",
    "PreferredPilotListReport",
    "PreferredPilotScheduleReport",
    "ReleaseApproval",
    "ReleaseType",
    "RolloutAction",
    "RolloutDecision",
    "SafeLaunchOutcome",
    "StageChange",
    "Standing",
    "Supersession",
    "Withdrawal",
]
"""The bodies, and what they are made of."""


@dataclass(frozen=True, slots=True)
class FirmwareRelease(ReleaseFacts):
    """A01: DCC announces a release, or revises its notice (same id, higher revision)."""

    obligations: bool = False
    failure_threshold: FailureThreshold | None = None


@dataclass(frozen=True, slots=True)
class ReleaseApproval(ReleaseHappening):
    """The release is approved; the pilot of its predecessor ends (PIA-A13)."""


@dataclass(frozen=True, slots=True)
class Withdrawal(ReleaseHappening):
    """X03: the release is withdrawn from assurance or from the products list."""


@dataclass(frozen=True, slots=True)
class Closure(ReleaseHappening):
    """A11: the roll-out of the release is over."""


@dataclass(frozen=True, slots=True)
class Supersession(Succession):
    """A12: the release gives way to another."""


@dataclass(frozen=True, slots=True)
class PilotOutcome(StageOutcome):
    """A06, A07: how the pilot ended as a whole."""


@dataclass(frozen=True, slots=True)
class SafeLaunchOutcome(StageOutcome):
    """A09, A10: how the safe launch ended as a whole."""


@dataclass(frozen=True, slots=True)
class RolloutDecision(DecisionOnRollout):
    """X03: what DCC decided on the roll-out, how firmly, and by whom (BR-6.4)."""

    decision: RolloutAction


@dataclass(frozen=True, slots=True)
class Incident(PartnerBody):
    """X04: a supplier's incident, from DCC's service desk. It suspends nothing by itself (BR-6.2)."""

    reference: str
    supplier: int
    release_id: str
    severity: str
    emergency_stop_requested: bool


@dataclass(frozen=True, slots=True)
class BatchInstruction(Batch):
    """X08: DCC instructs a batch of hubs."""


@dataclass(frozen=True, slots=True)
class PilotSelection(Selection):
    """X08: DCC chooses pilot hubs on a supplier's behalf (PIA-A9)."""


@dataclass(frozen=True, slots=True)
class InventoryUpdate(PartnerBody):
    """What DCC's inventory now says of these hubs; one that is new to the gateway is added."""

    hubs: tuple[Hub, ...]


@dataclass(frozen=True, slots=True)
class PreferredPilotListReport(SupplierPilotList):
    """A04, told to DCC."""


@dataclass(frozen=True, slots=True)
class PreferredPilotScheduleReport(SupplierPilotSchedule):
    """A05, told to DCC."""


@dataclass(frozen=True, slots=True)
class StageChange(ChangeOfStage):
    """X05, told to DCC."""


@dataclass(frozen=True, slots=True)
class PilotProgress(PartnerBody):
    """X01, X02, told to DCC: what became of single hubs with one firmware version; 10,000 at most."""

    release_id: str | None
    firmware_version: str
    hubs: tuple[HubOutcome, ...]


@dataclass(frozen=True, slots=True)
class PlannedDeploymentReport(PlanOfHubs):
    """X09, told to DCC: what the CSPs were told to deploy, and what is void."""


@dataclass(frozen=True, slots=True)
class PlanDeviation(OffThePlan):
    """X10: hubs that were moved outside their plan, or whose period passed without an outcome."""


@dataclass(frozen=True, slots=True)
class PauseProposal(PartnerBody):
    """X11: more hubs fail than the release's threshold; with its `Hold` the plan is held until DCC decides (X03)."""

    release_id: str
    at: datetime
    reported: int
    failed: int
    threshold: FailureThreshold


_GPF = Scalar(
    lambda text: parse_eui(text) if text else NO_GPF,
    lambda gpf: "" if gpf is NO_GPF else format_eui(gpf),
)
"""Empty: the hub is to have none. Where the element is left out, nothing is said of it."""

_HUB = Record(
    Hub,
    Field("DeviceID", "device_id", EUI),
    DEVICE_MODEL,
    VERSION,
    REGION,
    Field("Status", "status", TEXT),
    Field("ImportSupplierID", "import_supplier", EUI, optional=True),
    Field("GasSupplierID", "gas_supplier", EUI, optional=True),
    Field("GPFDeviceID", "gpf_device_id", _GPF, optional=True),
    given={"device_type": "CHF", "import_supplier": None, "gas_supplier": None},
)

_FAILURE_THRESHOLD = Record(
    FailureThreshold,
    Field("SharePercent", "share_percent", COUNT),
    Field("WindowHours", "window_hours", COUNT),
    Field("LeastHubs", "least_hubs", COUNT),
    Field("Hold", "hold", FLAG),
)

_HUB_PROGRESS = Record(
    HubOutcome,
    Field("DeviceID", "device_id", EUI),
    Field("Stage", "stage", enumerated(OutcomeStage)),
    Field("Outcome", "success", SUCCESS),
    Field("CompletedAt", "completed_at", TIME),
    Field("FailureReason", "failure_reason", TEXT, optional=True),
    COMMENTARY,
    given={"firmware_version": ""},
)


class _ProgressRecord(Record):
    """The hubs of a progress report do not repeat its firmware version."""

    def read(self, element: etree._Element, skip: int) -> PilotProgress:
        """Return the report, with the version said of each hub."""
        report: PilotProgress = super().read(element, skip)
        version = report.firmware_version
        return replace(report, hubs=tuple(replace(hub, firmware_version=version) for hub in report.hubs))


SCHEMA = "esi/1"
"""The folder of the interface's schema."""

INTERFACE = Interface(
    ESI,
    SCHEMA,
    incoming=(
        Record(
            FirmwareRelease,
            *release_items(automatic_date_optional=True),
            Field("Obligations", "obligations", FLAG, optional=True),
            Field("FailureThreshold", "failure_threshold", _FAILURE_THRESHOLD, optional=True),
        ),
        release_happening(ReleaseApproval),
        release_happening(Withdrawal),
        release_happening(Closure),
        succession(Supersession),
        stage_outcome(PilotOutcome),
        stage_outcome(SafeLaunchOutcome),
        rollout_decision(RolloutDecision, decisions=enumerated(RolloutAction)),
        Record(
            Incident,
            Field("IncidentReference", "reference", TEXT),
            SUPPLIER,
            RELEASE_ID,
            Field("Severity", "severity", TEXT),
            Field("EmergencyStopRequested", "emergency_stop_requested", FLAG),
        ),
        batch(BatchInstruction),
        selection(PilotSelection),
        Record(InventoryUpdate, Field("Hub", "hubs", _HUB, many=True), elements=11 * HUBS_IN_A_MESSAGE),
    ),
    outgoing=(
        (supplier_list(PreferredPilotListReport), "A04"),
        (supplier_schedule(PreferredPilotScheduleReport), "A04 A05"),
        (stage_change(StageChange), "X05"),
        (
            _ProgressRecord(
                PilotProgress,
                Field("FirmwareReleaseID", "release_id", TEXT, optional=True),
                VERSION,
                Field("Hub", "hubs", _HUB_PROGRESS, many=True),
                given={"release_id": None},
                elements=7 * HUBS_IN_A_MESSAGE,
            ),
            "X01 X02",
        ),
        (plan_of_hubs(PlannedDeploymentReport), "X09"),
        (off_the_plan(PlanDeviation), "X10"),
        (
            Record(
                PauseProposal,
                RELEASE_ID,
                Field("At", "at", TIME),
                Field("HubsReported", "reported", COUNT),
                Field("HubsFailed", "failed", COUNT),
                Field("FailureThreshold", "threshold", _FAILURE_THRESHOLD),
            ),
            "X11",
        ),
    ),
)

DIRECTIONS = INTERFACE.directions
"""Each body's name, and which way it goes, seen from the gateway."""

ELEMENT_CAPS = INTERFACE.element_caps(name for name, way in DIRECTIONS.items() if way is Direction.IN)
"""The element caps of the gateway's door; what only goes out has none here."""

read_message = INTERFACE.read_message
read_identity = INTERFACE.read_identity
render_message = INTERFACE.render_message
render_body = INTERFACE.render_body
