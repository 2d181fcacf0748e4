"""Bodies that stand in both interfaces, or in one of them in two forms, and their records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup
from duis_gateway.envelope.escape import escape_text
from duis_gateway.partners.messages import PART, Part, PartnerBody
from duis_gateway.partners.xml import (
    COUNT,
    DEVICE_LIST,
    EUI,
    SUCCESS,
    TEXT,
    TIME,
    Field,
    Inline,
    Record,
    Scalar,
    Wrapped,
    enumerated,
)
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.plans.records import (
    Deployment,
    Deviation,
    DeviationKind,
    PlanBasis,
    PlanStanding,
    VoidPlan,
    VoidReason,
)
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseType, Stage
from duis_gateway.rollout.rollout_decisions.records import Consequence, HubCounts, RolloutAction, Standing

HUBS_IN_A_MESSAGE = 10_000
"""The most hubs that a message names one by one, each in an element of its own."""

RELEASE_ID = Field("FirmwareReleaseID", "release_id", TEXT)
VERSION = Field("FirmwareVersion", "firmware_version", TEXT)
REGION = Field("CSPRegion", "csp_region", TEXT)
SUPPLIER = Field("SupplierID", "supplier", EUI)
GROUP_ID = Field("GroupID", "group_id", TEXT)
DEVICES = Field("DeviceIDList", "device_ids", DEVICE_LIST)
DEVICES_IF_ANY = Field("DeviceIDList", "device_ids", DEVICE_LIST, optional=True)
COMMENTARY = Field("Commentary", "commentary", TEXT, optional=True)
DEVICE_MODEL = Wrapped("DeviceModel", (Field("Manufacturer", "manufacturer", TEXT), Field("Model", "model", TEXT)))
PERIOD = Inline("period", Record(Period, Field("EarliestStart", "start", TIME), Field("LatestEnd", "end", TIME)))


def text_as_written(text: str) -> str:
    """Return a text as an element has it, with the ends of its tags, whatever prefix they are written with."""
    return f">{escape_text(text)}</"


def group_as_written(group_id: str) -> str:
    """Return the element that names a group, as it stands in every message that does."""
    return f"<{GROUP_ID.element}>{escape_text(group_id)}</{GROUP_ID.element}>"


@dataclass(frozen=True, slots=True)
class ReleaseFacts(PartnerBody):
    """What a notice says of a release; the attributes are named as `rollout.releases.records.Release` names them.

    The three lists are the hubs that the release marks: always in the pilot, served first, outside it. Where versions
    are named as permitted predecessors, the release is for hubs that run one of them.
    """

    release_id: str
    revision: int
    release_type: ReleaseType
    manufacturer: str
    model: str
    firmware_version: str
    release_note: str
    severity: str
    priority: str
    automatic_date: datetime | None = None
    pilot: PilotTerms | None = None
    proving: tuple[int, ...] = ()
    friendly: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    part: Part | None = None
    permitted_predecessors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseHappening(PartnerBody):
    """Something that happened to a release, and when (UTC)."""

    release_id: str
    at: datetime
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class Succession(PartnerBody):
    """A12: the release gives way to another."""

    release_id: str
    successor: str
    at: datetime
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class StageOutcome(PartnerBody):
    """How a stage ended as a whole."""

    release_id: str
    success: bool
    counts: HubCounts
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionOnRollout(PartnerBody):
    """X03: what DCC decided on the roll-out, how firmly, and by whom (BR-6.4)."""

    release_id: str
    decision: RolloutAction | Consequence
    reason: str
    standing: Standing
    decided_by: str
    new_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeOfStage(PartnerBody):
    """X05: a stage of a release ended, another began, or both."""

    release_id: str
    at: datetime
    ended: Stage | None = None
    begun: Stage | None = None
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class Batch(PartnerBody):
    """X08: hubs that DCC instructs itself."""

    release_id: str
    group_id: str
    device_ids: tuple[int, ...]
    period: Period | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Selection(PartnerBody):
    """X08: pilot hubs that DCC chooses on a supplier's behalf (PIA-A9)."""

    release_id: str
    supplier: int
    device_ids: tuple[int, ...]
    period: Period | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Remaining:
    """What remains goes at this date, which takes the place of one that was told before (BR-3.6)."""

    automatic_date: datetime


@dataclass(frozen=True, slots=True)
class PlanOfHubs(PartnerBody):
    """X09: what is new in the plan of hubs, and what is void; every other hub stays as it was told."""

    release_id: str
    firmware_version: str
    revision: int
    deployments: tuple[Deployment, ...] = ()
    voids: tuple[VoidPlan, ...] = ()
    remaining: Remaining | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class OffThePlan(PartnerBody):
    """X10: hubs that were moved outside their plan, or whose period passed without an outcome."""

    release_id: str
    firmware_version: str
    deviations: tuple[Deviation, ...]


PILOT_TERMS = Record(
    PilotTerms,
    Inline("period", Record(Period, Field("Start", "start", TIME), Field("End", "end", TIME))),
    Field("Limit", "limit", COUNT),
    Field("Minimum", "minimum", COUNT, optional=True),
    Field("SharePercent", "share_percent", COUNT, optional=True),
    Field("ShareBy", "share_by", TIME, optional=True),
)


def release_items(*, automatic_date_optional: bool) -> tuple[Field | Wrapped, ...]:
    """Return the items of a release's notice, to DCC's words or to the CSPs."""
    return (
        PART,
        RELEASE_ID,
        Field("Revision", "revision", COUNT),
        Field("ReleaseType", "release_type", enumerated(ReleaseType)),
        DEVICE_MODEL,
        VERSION,
        Field("PermittedPredecessorVersion", "permitted_predecessors", TEXT, many=True),
        Field("ReleaseNote", "release_note", TEXT),
        Field("Severity", "severity", TEXT),
        Field("Priority", "priority", TEXT),
        Field("AutomaticDate", "automatic_date", TIME, optional=automatic_date_optional),
        Field("Pilot", "pilot", PILOT_TERMS, optional=True),
        Field("ProvingDeviceIDList", "proving", DEVICE_LIST, optional=True),
        Field("FriendlyDeviceIDList", "friendly", DEVICE_LIST, optional=True),
        Field("ExcludedDeviceIDList", "excluded", DEVICE_LIST, optional=True),
    )


@dataclass(frozen=True, slots=True)
class SupplierPilotList(PartnerBody):
    """The whole of a supplier's pilot list as it stands now (A04). No `device_ids`: it is empty now."""

    release_id: str
    firmware_version: str
    supplier: int
    device_ids: tuple[int, ...] = ()
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class SupplierPilotSchedule(PartnerBody):
    """The whole of a supplier's schedule as it stands now (A05). A group without hubs lost them all."""

    release_id: str
    firmware_version: str
    supplier: int
    groups: tuple[DeploymentGroup, ...] = ()
    part: Part | None = None


DEPLOYMENT_GROUP = Record(
    DeploymentGroup,
    GROUP_ID,
    Field("Stage", "stage", enumerated(Stage)),
    DEVICES_IF_ANY,
    PERIOD,
    Field("SchedulingConstraint", "constraints", TEXT, many=True),
    given={"device_ids": ()},
)


def supplier_list(kind: type[SupplierPilotList]) -> Record:
    """Return the record of a supplier's pilot list under the name that this interface has for it."""
    return Record(kind, PART, RELEASE_ID, VERSION, SUPPLIER, DEVICES_IF_ANY)


def supplier_schedule(kind: type[SupplierPilotSchedule]) -> Record:
    """Return the record of a supplier's schedule under the name that this interface has for it."""
    groups = Field("DeploymentGroup", "groups", DEPLOYMENT_GROUP, many=True)
    return Record(kind, PART, RELEASE_ID, VERSION, SUPPLIER, groups)


def hub_outcome(stage: OutcomeStage) -> Record:
    """Return the record of one hub's outcome in a message that is about one stage only."""
    return Record(
        HubOutcome,
        Field("DeviceID", "device_id", EUI),
        Field("Outcome", "success", SUCCESS),
        VERSION,
        Field("CompletedAt", "completed_at", TIME),
        Field("FailureReason", "failure_reason", TEXT, optional=True),
        COMMENTARY,
        given={"stage": stage},
    )


AT = Field("At", "at", TIME)

_COUNTS = Record(
    HubCounts,
    Field("HubsTargeted", "targeted", COUNT),
    Field("HubsActivated", "activated", COUNT),
    Field("HubsFailed", "failed", COUNT),
)


def release_happening(kind: type[ReleaseHappening]) -> Record:
    """Return the record of an event in a release's life."""
    return Record(kind, RELEASE_ID, AT, COMMENTARY)


def succession(kind: type[Succession]) -> Record:
    """Return the record of a supersession."""
    return Record(kind, RELEASE_ID, Field("SuccessorReleaseID", "successor", TEXT), AT, COMMENTARY)


def stage_outcome(kind: type[StageOutcome]) -> Record:
    """Return the record of how a stage ended."""
    return Record(kind, RELEASE_ID, Field("Outcome", "success", SUCCESS), Inline("counts", _COUNTS), COMMENTARY)


def rollout_decision(kind: type[DecisionOnRollout], *more: Field, decisions: Scalar) -> Record:
    """Return the record of a roll-out decision, with what this interface says beside."""
    return Record(
        kind,
        RELEASE_ID,
        Field("Decision", "decision", decisions),
        Field("Reason", "reason", TEXT),
        Field("NewDate", "new_date", TIME, optional=True),
        Field("DecisionStatus", "standing", enumerated(Standing)),
        Field("DecidedBy", "decided_by", TEXT),
        *more,
    )


def stage_change(kind: type[ChangeOfStage]) -> Record:
    """Return the record of stages that ended or began."""
    return Record(
        kind,
        RELEASE_ID,
        Field("StageEnded", "ended", enumerated(Stage), optional=True),
        Field("StageBegun", "begun", enumerated(Stage), optional=True),
        AT,
        COMMENTARY,
    )


def batch(kind: type[Batch]) -> Record:
    """Return the record of a batch of hubs."""
    return Record(kind, PART, RELEASE_ID, GROUP_ID, DEVICES, PERIOD)


def selection(kind: type[Selection]) -> Record:
    """Return the record of hubs chosen on a supplier's behalf."""
    return Record(kind, PART, RELEASE_ID, SUPPLIER, DEVICES, PERIOD)


_DEPLOYMENT = Record(
    Deployment,
    Field("Stage", "stage", enumerated(Stage)),
    Field("Basis", "basis", enumerated(PlanBasis)),
    Field("Standing", "standing", enumerated(PlanStanding)),
    PERIOD,
    DEVICES,
)
_VOID = Record(VoidPlan, Field("Reason", "reason", enumerated(VoidReason)), DEVICES)
_DEVIATION = Record(Deviation, Field("Kind", "kind", enumerated(DeviationKind)), PERIOD, DEVICES)
_REMAINING = Record(Remaining, Field("AutomaticDate", "automatic_date", TIME))
_ELEMENTS_OF_PLANS = 7 * HUBS_IN_A_MESSAGE


def plan_of_hubs(kind: type[PlanOfHubs]) -> Record:
    """Return the record of the plan of hubs under the name that this interface has for it."""
    return Record(
        kind,
        PART,
        RELEASE_ID,
        VERSION,
        Field("PlanRevision", "revision", COUNT),
        Field("Deployment", "deployments", _DEPLOYMENT, many=True),
        Field("Void", "voids", _VOID, many=True),
        Field("Remaining", "remaining", _REMAINING, optional=True),
        elements=_ELEMENTS_OF_PLANS,
    )


def off_the_plan(kind: type[OffThePlan]) -> Record:
    """Return the record of hubs that were moved outside their plan."""
    deviations = Field("Deviation", "deviations", _DEVIATION, many=True)
    return Record(kind, RELEASE_ID, VERSION, deviations, elements=_ELEMENTS_OF_PLANS)
