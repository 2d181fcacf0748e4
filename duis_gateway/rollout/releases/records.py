"""Firmware releases and what belongs to them: the pilot's terms, lists, schedules and instructions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ReleaseType(StrEnum):
    """BR-0.1 and PIA-A3: the last two have no pilot."""

    SEC_RELEASE = "SECRelease"
    PLANNED_MAINTENANCE = "PlannedMaintenance"
    UNPLANNED_MAINTENANCE = "UnplannedMaintenance"
    SECURITY = "Security"
    OPERATIONAL = "Operational"

    @property
    def has_pilot(self) -> bool:
        """Whether releases of this type are piloted at all."""
        return self not in (ReleaseType.SECURITY, ReleaseType.OPERATIONAL)


class ReleaseState(StrEnum):
    """Design section 7; "paused" is a flag beside the state."""

    NOTIFIED = "notified"
    APPROVED = "approved"
    PILOTING = "piloting"
    SAFE_LAUNCH = "safe_launch"
    INVALIDATED = "invalidated"  # a successor was approved before the pilot's end: DCC has to decide
    CLOSED = "closed"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    STOPPED = "stopped"

    @property
    def is_live(self) -> bool:
        """Whether instructions for the release are taken."""
        return self in LIVE_STATES

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to the release any more; what is invalidated still awaits DCC's decision."""
        return not (self.is_live or self is ReleaseState.INVALIDATED)


LIVE_STATES = frozenset({ReleaseState.NOTIFIED, ReleaseState.APPROVED, ReleaseState.PILOTING, ReleaseState.SAFE_LAUNCH})


class Stage(StrEnum):
    """The stage that a deployment group belongs to."""

    PILOT = "Pilot"
    SAFE_LAUNCH = "SafeLaunch"


class HubMark(StrEnum):
    """How a release marks single hubs (PIA-R3, PIA-A5, PIA-A10)."""

    PROVING = "proving"
    FRIENDLY = "friendly"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Period:
    """A "date" of the business requirements: something will be done within it (BR-0.4). Times are UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PilotTerms:
    """What a release says of its pilot. `limit` and `minimum` count hubs of one supplier."""

    period: Period
    limit: int
    minimum: int = 0
    share_percent: int | None = None
    share_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailureThreshold:
    """How many hubs may fail until a pause is proposed to DCC (X11).

    Attributes:
        share_percent: the share of hubs that fail, of those with an outcome within the window.
        window_hours: how long the window is that ends now.
        least_hubs: how many hubs must have had an outcome in it; of fewer nothing is concluded.
        hold: the plan is held, as by a provisional pause, until DCC decides.
    """

    share_percent: int
    window_hours: int
    least_hubs: int
    hold: bool


@dataclass(frozen=True, slots=True)
class Release:
    """One firmware release of one device model, as the newest notice gives it.

    Attributes not said by their names:
        permitted_predecessors: the versions that it may be applied to (MP231); none named: any.
        later_versions: those of releases for the model that were notified later and have been approved, whatever
            became of them. They are read with the release, and no hub goes back from one of them.
        number: the how-manieth release it is that was ever announced; 0 until it is stored.
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
    notified_at: datetime
    automatic_date: datetime
    pilot: PilotTerms | None
    obligations: bool = False
    state: ReleaseState = ReleaseState.NOTIFIED
    paused: bool = False
    failure_threshold: FailureThreshold | None = None
    permitted_predecessors: frozenset[str] = frozenset()
    later_versions: frozenset[str] = frozenset()
    number: int = field(default=0, compare=False)

    @property
    def announced(self) -> tuple[datetime, int]:
        """When it was first announced, in order: a clock that stands still gives several the same time."""
        return self.notified_at, self.number


@dataclass(frozen=True, slots=True)
class OfferedConstraint:
    """A scheduling constraint that a CSP offers with its default schedule (PIA-R5, PIA-A7)."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class DefaultGroup:
    """A deployment group of a CSP's own schedule. `device_ids` empty: the group names no hubs."""

    group_id: str
    period: Period
    device_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DefaultSchedule:
    """A CSP's schedule for one region and stage of a release, with the constraints that it offers."""

    release_id: str
    csp_region: str
    stage: Stage
    groups: tuple[DefaultGroup, ...]
    constraints: tuple[OfferedConstraint, ...] = ()


@dataclass(frozen=True, slots=True)
class VoidSchedule:
    """What a CSP's schedule for a region lost by a revision of the release, and why, in words.

    Attributes:
        csp_region: the region that it is for.
        stage: the stage that it is for.
        why: why it cannot stand, as it would be refused now.
        hubs: the hubs that alone were taken out of it; empty: it stands no more.
    """

    csp_region: str
    stage: Stage
    why: str
    hubs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Instruction:
    """A supplier's deployment group: the only thing that instructs a hub to be updated (design section 5)."""

    release_id: str
    supplier: int
    group_id: str
    stage: Stage
    period: Period
    received_at: datetime
    device_ids: tuple[int, ...]
    constraints: tuple[str, ...] = field(default=())
