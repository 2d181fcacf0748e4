"""What the plan for a hub follows from, and what is told of it (X09, X10).

It follows from standing instructions, what the CSP said of them, and what DCC instructed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.hub_events.records import Ended
from duis_gateway.rollout.hubs.records import Hub, of_roles
from duis_gateway.rollout.releases.records import HubMark, Instruction, Period, Release, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision


@dataclass(frozen=True, slots=True)
class GroupSay:
    """A CSP's final say on a supplier's group (X07). `period` is the one that it fixed, None: as instructed.

    `piece`: the CSP regrouped, and said it of single hubs of the group that it named. `at`: when, where that is known.
    """

    decision: GroupDecision
    period: Period | None = None
    reason: str | None = None
    piece: bool = False
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class HubInstruction:
    """A standing instruction that names the hub, and what the CSP of the hub's region said of it, if anything.

    `by_dcc`: DCC chose the hub on the supplier's behalf (`PilotSelection`). `since`: from when the supplier had
    instructed the hub, without a gap, by what this took the place of; None where it took no such place.
    """

    supplier: int
    group_id: str
    stage: Stage
    period: Period
    received_at: datetime
    say: GroupSay | None = None
    by_dcc: bool = False
    since: datetime | None = None

    @property
    def stands_since(self) -> datetime:
        """From when the supplier has instructed the hub without a gap: what is sent again goes on."""
        return self.since or self.received_at

    @property
    def counting_period(self) -> Period:
        """PIA-C2: the CSP has the final say, so that a period which it fixed takes the place of the one instructed."""
        return self.say.period if self.say is not None and self.say.period is not None else self.period

    @property
    def is_refused(self) -> bool:
        """Whether its CSP has refused it."""
        return self.say is not None and self.say.decision is GroupDecision.REFUSED

    @property
    def refused_at(self) -> datetime | None:
        """When its CSP refused it, None where it did not."""
        return self.say.at if self.say is not None and self.is_refused else None

    @classmethod
    def of(cls, instruction: Instruction, say: GroupSay | None = None) -> HubInstruction:
        """Return a standing group as it bears on one of its hubs."""
        return cls(
            instruction.supplier,
            instruction.group_id,
            instruction.stage,
            instruction.period,
            instruction.received_at,
            say,
        )


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the plan for one hub follows from.

    Attributes:
        hub: the hub as the inventory has it now.
        release: the release in question.
        at: the time of the plan: a period that has ended by then moves nothing any more.
        mark: how the release marks the hub.
        instructions: every standing instruction for the release that names the hub, whoever gave it, in the order
            in which they were given.
        batch: the period in which DCC instructed the hub by itself (`BatchInstruction`), if it did and named one.
        undated_batch: DCC instructed the hub by itself and named no period: it goes at the automatic date.
        in_pilot: DCC named a period, and the hub is in the pilot, as far as the release has not left it.
        scheduled: the period for which the CSP's own schedule has the hub, if it has.
        unable: suppliers whose DUIS version has no Service Requests to instruct with, or that are not registered.
        unregistered: those of them that are not registered.
        withheld: suppliers that have instructed the hub, of which nothing is said, as they protect it: no other is
            shown that.
        endings: by supplier, how its last instruction of the hub ended, or DCC's for it.
        losses: by supplier, when it was told that the hub has changed supplier.
        viewer: the supplier for whose eyes the explanation is, None for the operator's. A CSP's words to one supplier
            are not for the other, as they may say who it is.
    """

    hub: Hub
    release: Release
    at: datetime
    mark: HubMark | None = None
    instructions: tuple[HubInstruction, ...] = ()
    batch: Period | None = None
    undated_batch: bool = False
    in_pilot: bool = False
    scheduled: Period | None = None
    unable: frozenset[int] = frozenset()
    unregistered: frozenset[int] = frozenset()
    withheld: frozenset[int] = frozenset()
    endings: Mapping[int, Ended] = field(default_factory=dict)
    losses: Mapping[int, datetime] = field(default_factory=dict)
    viewer: int | None = None


class PlanBasis(StrEnum):
    """Who instructed what is planned."""

    SUPPLIERS = "Suppliers"
    DCC = "DCC"


class PlanStanding(StrEnum):
    """Whether the CSP has had its say on all that counts."""

    REQUESTED = "Requested"
    FIXED = "Fixed"


class VoidReason(StrEnum):
    """Why a hub is not, or not any more, planned by anything but the automatic date."""

    NOT_INSTRUCTED = "NotInstructed"
    """Nobody's instruction counts: it was taken back, or the hub was taken out of its group."""
    AWAITS_SECOND_SUPPLIER = "AwaitsSecondSupplier"
    SECOND_SUPPLIER_TOO_LATE = "SecondSupplierTooLate"
    """One supplier of two has instructed it, and no instruction of the other's is in time any more."""
    REFUSED_BY_CSP = "RefusedByCSP"
    CHANGED_SUPPLIER = "ChangedSupplier"
    """Of the hub's suppliers, and what a former one instructed counts no longer."""
    CHANGED_REGION = "ChangedRegion"
    """The hub lies in the regions of another CSP now."""
    TOO_LATE = "TooLate"
    """The period does not end before the automatic date."""
    OUTSIDE_PILOT = "OutsidePilot"
    """The period does not lie within the pilot."""
    BEFORE_SAFE_LAUNCH = "BeforeSafeLaunch"
    """The period is of safe launch, and starts before the pilot's end."""
    EXCLUDED = "Excluded"
    """The release excludes the hub from its pilot."""
    PERIOD_ENDED = "PeriodEnded"
    PAUSED = "Paused"
    RELEASE_OVER = "ReleaseOver"
    """The release was closed, revoked, withdrawn, superseded or stopped."""
    PILOT_INVALIDATED = "PilotInvalidated"
    """A later release for the model was approved; DCC has to decide."""
    NOT_COMMISSIONED = "NotCommissioned"
    OTHER_MODEL = "OtherModel"
    RUNS_VERSION = "RunsVersion"
    """The inventory has the hub with the release's version."""
    LATER_VERSION = "LaterVersion"
    """The hub runs the version of a release that was approved later."""
    NOT_PERMITTED = "NotPermitted"
    """The hub runs a version that the release does not permit as a predecessor."""


@dataclass(frozen=True, slots=True)
class GroupName:
    """A supplier's group, as its supplier names it: names are told apart within a stage."""

    group_id: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Lost:
    """Why hubs lost instructions, and what each supplier's own hubs lost of its own (by the supplier's EUI).

    `chosen`: by supplier, those of them that it lost of what DCC chose on its behalf alone: no group is named of them.
    """

    reasons: Mapping[int, VoidReason] = field(default_factory=dict)
    own: Mapping[int, Mapping[int, VoidReason]] = field(default_factory=dict)
    chosen: Mapping[int, frozenset[int]] = field(default_factory=dict)


class DeviationKind(StrEnum):
    """How a hub was moved, or was not, otherwise than planned (X10)."""

    BEFORE_PERIOD = "BeforePeriod"
    AFTER_PERIOD = "AfterPeriod"
    NOT_PLANNED = "NotPlanned"
    RELEASE_NOT_APPROVED = "ReleaseNotApproved"
    RELEASE_PAUSED = "ReleasePaused"
    RELEASE_OVER = "ReleaseOver"
    PERIOD_MISSED = "PeriodMissed"
    """The period ended, and nothing was reported of the hub."""


@dataclass(frozen=True, slots=True)
class ToldPlan:
    """What is told of the plan for a hub."""

    stage: Stage
    basis: PlanBasis
    standing: PlanStanding
    period: Period


@dataclass(frozen=True, slots=True)
class ToldHub:
    """The plan for a hub as it was told, with what says to whom: its region and its suppliers then."""

    plan: ToldPlan
    csp_region: str
    import_supplier: int | None
    gas_supplier: int | None

    @property
    def suppliers(self) -> frozenset[int]:
        """The suppliers that were responsible for the hub then."""
        return of_roles(self.import_supplier, self.gas_supplier)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Hubs that are planned alike (X09)."""

    stage: Stage
    basis: PlanBasis
    standing: PlanStanding
    period: Period
    device_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VoidPlan:
    """Hubs whose plan is void, for one reason (X09).

    `group`: the recipient's own group that names them, where one does or did; no other party's is ever told.
    """

    reason: VoidReason
    device_ids: tuple[int, ...]
    group: GroupName | None = None


@dataclass(frozen=True, slots=True)
class Deviation:
    """Hubs that were moved, or were not, otherwise than planned; with the period that was planned, if any (X10)."""

    kind: DeviationKind
    device_ids: tuple[int, ...]
    period: Period | None = None
