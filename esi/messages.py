"""The messages of the Enterprise Systems Interface, namespace `urn:esi:1` (design section 4).

From DCC come releases, their life, decisions, incidents, batches and inventory updates; to DCC go what
suppliers prefer and how the pilot goes. `schemas/esi/1/` says the same in XSD.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree

from duis_gateway.model.hubs import Hub
from duis_gateway.model.outcomes import HubOutcome, OutcomeStage
from duis_gateway.model.releases import Period
from duis_gateway.model.rollout import HubCounts, RolloutAction, Standing
from duis_gateway.namespaces import ESI
from duis_gateway.partner_bodies import (
    COMMENTARY,
    DEVICE_MODEL,
    DEVICES,
    GROUP_ID,
    HUBS_IN_A_MESSAGE,
    PERIOD,
    REGION,
    RELEASE_ID,
    SUPPLIER,
    VERSION,
    ReleaseFacts,
    SupplierPilotList,
    SupplierPilotSchedule,
    release_items,
    supplier_list,
    supplier_schedule,
)
from duis_gateway.partner_messages import PART, Direction, Interface, Part, PartnerBody
from duis_gateway.partner_records import (
    COUNT,
    EUI,
    FLAG,
    SUCCESS,
    TEXT,
    TIME,
    Field,
    Inline,
    Record,
    enumerated,
)


@dataclass(frozen=True, slots=True)
class FirmwareRelease(ReleaseFacts):
    """A01: DCC announces a release, or revises its notice (same id, higher revision)."""

    obligations: bool = False


@dataclass(frozen=True, slots=True)
class _ReleaseEvent(PartnerBody):
    release_id: str
    at: datetime
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseApproval(_ReleaseEvent):
    """The release is approved; the pilot of its predecessor ends (PIA-A13)."""


@dataclass(frozen=True, slots=True)
class Withdrawal(_ReleaseEvent):
    """X03: the release is withdrawn from assurance or from the products list."""


@dataclass(frozen=True, slots=True)
class Closure(_ReleaseEvent):
    """A11: the roll-out of the release is over."""


@dataclass(frozen=True, slots=True)
class Supersession(PartnerBody):
    """A12: the release gives way to another."""

    release_id: str
    successor: str
    at: datetime
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class _StageOutcome(PartnerBody):
    release_id: str
    success: bool
    counts: HubCounts
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class PilotOutcome(_StageOutcome):
    """A06, A07: how the pilot ended as a whole."""


@dataclass(frozen=True, slots=True)
class SafeLaunchOutcome(_StageOutcome):
    """A09, A10: how the safe launch ended as a whole."""


@dataclass(frozen=True, slots=True)
class RolloutDecision(PartnerBody):
    """X03: what DCC decided on the roll-out, how firmly, and by whom (BR-6.4)."""

    release_id: str
    decision: RolloutAction
    reason: str
    standing: Standing
    decided_by: str
    new_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident(PartnerBody):
    """X04: a supplier's incident, from DCC's service desk. It suspends nothing by itself (BR-6.2)."""

    reference: str
    supplier: int
    release_id: str
    severity: str
    emergency_stop_requested: bool


@dataclass(frozen=True, slots=True)
class BatchInstruction(PartnerBody):
    """X08: DCC instructs a batch of hubs."""

    release_id: str
    group_id: str
    device_ids: tuple[int, ...]
    period: Period | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class PilotSelection(PartnerBody):
    """X08: DCC chooses pilot hubs on a supplier's behalf (PIA-A9)."""

    release_id: str
    supplier: int
    device_ids: tuple[int, ...]
    period: Period | None = None
    part: Part | None = None


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
class PilotProgress(PartnerBody):
    """X01, X02, told to DCC: what became of single hubs with one firmware version; 10,000 at most."""

    release_id: str | None
    firmware_version: str
    hubs: tuple[HubOutcome, ...]


AT = Field("At", "at", TIME)

_COUNTS = Record(
    HubCounts,
    Field("HubsTargeted", "targeted", COUNT),
    Field("HubsActivated", "activated", COUNT),
    Field("HubsFailed", "failed", COUNT),
)

_HUB = Record(
    Hub,
    Field("DeviceID", "device_id", EUI),
    DEVICE_MODEL,
    VERSION,
    REGION,
    Field("Status", "status", TEXT),
    Field("ImportSupplierID", "import_supplier", EUI, optional=True),
    Field("GasSupplierID", "gas_supplier", EUI, optional=True),
    given={"device_type": "CHF", "import_supplier": None, "gas_supplier": None},
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


def _stage_outcome(kind: type[_StageOutcome]) -> Record:
    return Record(kind, RELEASE_ID, Field("Outcome", "success", SUCCESS), Inline("counts", _COUNTS), COMMENTARY)


SCHEMA = "esi/1"
"""The folder of the interface's schema."""

INTERFACE = Interface(
    ESI,
    SCHEMA,
    (
        Record(
            FirmwareRelease,
            *release_items(automatic_date_optional=True),
            Field("Obligations", "obligations", FLAG, optional=True),
        ),
        Record(ReleaseApproval, RELEASE_ID, AT, COMMENTARY),
        Record(Withdrawal, RELEASE_ID, AT, COMMENTARY),
        Record(Closure, RELEASE_ID, AT, COMMENTARY),
        Record(Supersession, RELEASE_ID, Field("SuccessorReleaseID", "successor", TEXT), AT, COMMENTARY),
        _stage_outcome(PilotOutcome),
        _stage_outcome(SafeLaunchOutcome),
        Record(
            RolloutDecision,
            RELEASE_ID,
            Field("Decision", "decision", enumerated(RolloutAction)),
            Field("Reason", "reason", TEXT),
            Field("NewDate", "new_date", TIME, optional=True),
            Field("DecisionStatus", "standing", enumerated(Standing)),
            Field("DecidedBy", "decided_by", TEXT),
        ),
        Record(
            Incident,
            Field("IncidentReference", "reference", TEXT),
            SUPPLIER,
            RELEASE_ID,
            Field("Severity", "severity", TEXT),
            Field("EmergencyStopRequested", "emergency_stop_requested", FLAG),
        ),
        Record(BatchInstruction, PART, RELEASE_ID, GROUP_ID, DEVICES, PERIOD),
        Record(PilotSelection, PART, RELEASE_ID, SUPPLIER, DEVICES, PERIOD),
        Record(InventoryUpdate, Field("Hub", "hubs", _HUB, many=True)),
        supplier_list(PreferredPilotListReport),
        supplier_schedule(PreferredPilotScheduleReport),
        _ProgressRecord(
            PilotProgress,
            Field("FirmwareReleaseID", "release_id", TEXT, optional=True),
            VERSION,
            Field("Hub", "hubs", _HUB_PROGRESS, many=True),
            given={"release_id": None},
        ),
    ),
    {
        "InventoryUpdate": 10 * HUBS_IN_A_MESSAGE,
        "PilotProgress": 7 * HUBS_IN_A_MESSAGE,
    },
)

DIRECTIONS: dict[str, Direction] = {
    "FirmwareRelease": Direction.IN,
    "ReleaseApproval": Direction.IN,
    "Withdrawal": Direction.IN,
    "Closure": Direction.IN,
    "Supersession": Direction.IN,
    "PilotOutcome": Direction.IN,
    "SafeLaunchOutcome": Direction.IN,
    "RolloutDecision": Direction.IN,
    "Incident": Direction.IN,
    "BatchInstruction": Direction.IN,
    "PilotSelection": Direction.IN,
    "InventoryUpdate": Direction.IN,
    "PreferredPilotListReport": Direction.OUT,
    "PreferredPilotScheduleReport": Direction.OUT,
    "PilotProgress": Direction.OUT,
    "Acknowledgement": Direction.ANSWER,
}
"""Each body's name, and which way it goes."""

ELEMENT_CAPS = INTERFACE.element_caps(name for name, way in DIRECTIONS.items() if way is Direction.IN)
"""The element caps of the gateway's door; what only goes out has none here."""

read_message = INTERFACE.read_message
read_identity = INTERFACE.read_identity
render_message = INTERFACE.render_message
render_body = INTERFACE.render_body
