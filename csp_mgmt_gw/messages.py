"""The messages of the CSP Management Gateway interface, namespace `urn:csp-mgmt-gw:1` (design section 4).

From CSPs come default lists and schedules, decisions on preferred schedules, and what became of single
hubs; to CSPs go release notices, what suppliers prefer, and what DCC decides. `schemas/csp_mgmt_gw/1/` says the same
in XSD.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duis_gateway.namespaces import CSP
from duis_gateway.partners.bodies import (
    DEVICES,
    DEVICES_IF_ANY,
    GROUP_ID,
    HUBS_IN_A_MESSAGE,
    PERIOD,
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
    hub_outcome,
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
from duis_gateway.partners.messages import PART, Direction, Interface, Part, PartnerBody
from duis_gateway.partners.xml import TEXT, TIME, Field, Record, enumerated
from duis_gateway.rollout.activations.records import ActivationRequest, HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import DefaultGroup, DefaultSchedule, OfferedConstraint, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import Consequence, GroupDecision, RolloutAction

__all__ = [
    "ActivateFirmwareRequests",
    "ActivateFirmwareResponses",
    "ActivationRequest",
    "BatchInstruction",
    "Closure",
    "DefaultGroup",
    "DefaultPilotList",
    "DefaultPilotSchedule",
    "DistributionOutcomes",
    "FirmwareReleaseNotice",
    "GroupDecision",
    "HubOutcome",
    "OfferedConstraint",
    "OutcomeStage",
    "Part",
    "Period",
    "PilotOutcome",
    "PilotSelection",
    "PlanDeviation",
    "PlannedDeployment",
    "PreferredPilotList",
    "PreferredPilotSchedule",
    "RolloutDecision",
    "SafeLaunchOutcome",
    "SafeLaunchSchedule",
    "ScheduleDecision",
    "Stage",
    "StageChange",
    "Supersession",
]
"""The bodies, and what they are made of."""


@dataclass(frozen=True, slots=True)
class DefaultPilotList(PartnerBody):
    """A02: the hubs that a CSP would pilot in one of its regions."""

    release_id: str
    csp_region: str
    device_ids: tuple[int, ...]
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class _CspSchedule(PartnerBody):
    release_id: str
    csp_region: str
    groups: tuple[DefaultGroup, ...]
    constraints: tuple[OfferedConstraint, ...] = ()
    part: Part | None = None

    def as_schedule(self, stage: Stage) -> DefaultSchedule:
        return DefaultSchedule(self.release_id, self.csp_region, stage, self.groups, self.constraints)


@dataclass(frozen=True, slots=True)
class DefaultPilotSchedule(_CspSchedule):
    """A03: when a CSP would pilot, and the constraints that it offers."""

    @property
    def schedule(self) -> DefaultSchedule:
        """The schedule as the rules look at it."""
        return self.as_schedule(Stage.PILOT)


@dataclass(frozen=True, slots=True)
class SafeLaunchSchedule(_CspSchedule):
    """A08: when a CSP will update everything else."""

    @property
    def schedule(self) -> DefaultSchedule:
        """The schedule as the rules look at it."""
        return self.as_schedule(Stage.SAFE_LAUNCH)


@dataclass(frozen=True, slots=True)
class ScheduleDecision(PartnerBody):
    """X07: a CSP's final say on one group of a supplier's preferred schedule, or on the hubs of it that it names."""

    release_id: str
    supplier: int
    group_id: str
    decision: GroupDecision
    earliest_start: datetime | None = None
    latest_end: datetime | None = None
    reason: str | None = None
    device_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ActivateFirmwareRequests(PartnerBody):
    """X01: the CSP's word that CS06 has been sent to these hubs."""

    firmware_version: str
    device_ids: tuple[int, ...]
    issued_at: datetime
    release_id: str | None = None
    part: Part | None = None

    @property
    def requests(self) -> tuple[ActivationRequest, ...]:
        """One request a hub."""
        return tuple(
            ActivationRequest(device_id, self.firmware_version, self.issued_at, self.release_id)
            for device_id in self.device_ids
        )


@dataclass(frozen=True, slots=True)
class ActivateFirmwareResponses(PartnerBody):
    """X01, X02: what single hubs answered to CS06."""

    outcomes: tuple[HubOutcome, ...]


@dataclass(frozen=True, slots=True)
class DistributionOutcomes(PartnerBody):
    """X02: how the distribution of the image to single hubs ended."""

    outcomes: tuple[HubOutcome, ...]


@dataclass(frozen=True, slots=True)
class FirmwareReleaseNotice(ReleaseFacts):
    """A01: a release, with the marked hubs of the receiving CSP's regions."""


@dataclass(frozen=True, slots=True)
class PreferredPilotList(SupplierPilotList):
    """A04: the hubs of the receiving CSP's regions on a supplier's list."""


@dataclass(frozen=True, slots=True)
class PreferredPilotSchedule(SupplierPilotSchedule):
    """A05: a supplier's groups, with the hubs of the receiving CSP's regions."""


@dataclass(frozen=True, slots=True)
class PilotOutcome(StageOutcome):
    """A06, A07: how the pilot ended as a whole."""


@dataclass(frozen=True, slots=True)
class SafeLaunchOutcome(StageOutcome):
    """A09, A10: how the safe launch ended as a whole."""


@dataclass(frozen=True, slots=True)
class Closure(ReleaseHappening):
    """A11: the roll-out of the release is over."""


@dataclass(frozen=True, slots=True)
class Supersession(Succession):
    """A12: the release gives way to another."""


@dataclass(frozen=True, slots=True)
class RolloutDecision(DecisionOnRollout):
    """X03: what DCC decided, and what it means for pending requests (BR-6.5)."""

    effect_on_pending: str | None = None


@dataclass(frozen=True, slots=True)
class StageChange(ChangeOfStage):
    """X05: a stage of a release ended, another began, or both."""


@dataclass(frozen=True, slots=True)
class BatchInstruction(Batch):
    """X08: DCC instructs hubs of the receiving CSP's regions."""


@dataclass(frozen=True, slots=True)
class PilotSelection(Selection):
    """X08: DCC chose hubs of the receiving CSP's regions on a supplier's behalf."""


@dataclass(frozen=True, slots=True)
class PlannedDeployment(PlanOfHubs):
    """X09: the instruction to deploy hubs of the receiving CSP's regions, and what is void of those before."""


@dataclass(frozen=True, slots=True)
class PlanDeviation(OffThePlan):
    """X10: hubs of the receiving CSP's regions that were moved outside their plan, or missed their period."""


def _schedule(kind: type[_CspSchedule]) -> Record:
    group = Record(DefaultGroup, GROUP_ID, DEVICES_IF_ANY, PERIOD)
    constraint = Record(OfferedConstraint, Field("Code", "code", TEXT), Field("Description", "description", TEXT))
    return Record(
        kind,
        PART,
        RELEASE_ID,
        REGION,
        Field("DeploymentGroup", "groups", group, many=True),
        Field("OfferedConstraint", "constraints", constraint, many=True),
    )


SCHEMA = "csp_mgmt_gw/1"
"""The folder of the interface's schema."""

INTERFACE = Interface(
    CSP,
    SCHEMA,
    incoming=(
        Record(DefaultPilotList, PART, RELEASE_ID, REGION, DEVICES),
        _schedule(DefaultPilotSchedule),
        _schedule(SafeLaunchSchedule),
        Record(
            ScheduleDecision,
            RELEASE_ID,
            SUPPLIER,
            GROUP_ID,
            Field("Decision", "decision", enumerated(GroupDecision)),
            Field("EarliestStart", "earliest_start", TIME, optional=True),
            Field("LatestEnd", "latest_end", TIME, optional=True),
            Field("Reason", "reason", TEXT, optional=True),
            DEVICES_IF_ANY,
        ),
        Record(
            ActivateFirmwareRequests,
            PART,
            Field("FirmwareReleaseID", "release_id", TEXT, optional=True),
            VERSION,
            DEVICES,
            Field("IssuedAt", "issued_at", TIME),
        ),
        Record(
            ActivateFirmwareResponses,
            Field("Hub", "outcomes", hub_outcome(OutcomeStage.ACTIVATION), many=True),
            elements=7 * HUBS_IN_A_MESSAGE,
        ),
        Record(
            DistributionOutcomes,
            Field("Hub", "outcomes", hub_outcome(OutcomeStage.DISTRIBUTION), many=True),
            elements=7 * HUBS_IN_A_MESSAGE,
        ),
    ),
    outgoing=(
        (Record(FirmwareReleaseNotice, *release_items(automatic_date_optional=False)), "A01"),
        (supplier_list(PreferredPilotList), "A04"),
        (supplier_schedule(PreferredPilotSchedule), "A04 A05"),
        (stage_outcome(PilotOutcome), "A06 A07"),
        (stage_outcome(SafeLaunchOutcome), "A09 A10"),
        (release_happening(Closure), "A11"),
        (succession(Supersession), "A12"),
        (
            rollout_decision(
                RolloutDecision,
                Field("EffectOnPendingRequests", "effect_on_pending", TEXT, optional=True),
                decisions=enumerated(RolloutAction, Consequence),
            ),
            "X03",
        ),
        (stage_change(StageChange), "X05"),
        (batch(BatchInstruction), "X08"),
        (selection(PilotSelection), "X08"),
        (plan_of_hubs(PlannedDeployment), "X09"),
        (off_the_plan(PlanDeviation), "X10"),
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
read_body = INTERFACE.read_body
