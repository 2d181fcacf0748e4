"""The bodies of the DCC Alerts that the gateway raises (design section 5, "DCC Alerts")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, HubCounts, RolloutAction, Standing


class DirectInstruction(StrEnum):
    """What DCC instructs by itself for single hubs of a release (X08)."""

    BATCH = "BatchInstruction"
    PILOT_SELECTION = "PilotSelection"


class OtherSupplier(StrEnum):
    """What the second supplier of a hub has done; "cannot" is for one on an older DUIS (BR-3.3)."""

    INSTRUCTED = "Instructed"
    NOT_INSTRUCTED = "NotInstructed"
    CANNOT_INSTRUCT = "CannotInstruct"


@dataclass(frozen=True, slots=True)
class CommsHubFirmwareActivation:
    """N64: this hub now runs this firmware version."""

    device_id: int
    firmware_version: str


@dataclass(frozen=True, slots=True)
class DefaultPilotList:
    """N66: the recipient's hubs on a CSP's default pilot list."""

    release_id: str
    firmware_version: str
    csp_region: str
    device_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DefaultPilotSchedule:
    """N67: a CSP's default schedule for the pilot, with the recipient's hubs, and what it offers."""

    release_id: str
    firmware_version: str
    csp_region: str
    groups: tuple[DefaultGroup, ...]
    constraints: tuple[OfferedConstraint, ...] = ()


@dataclass(frozen=True, slots=True)
class SafeLaunchSchedule:
    """N68: a CSP's schedule for safe launch, with the recipient's hubs."""

    release_id: str
    firmware_version: str
    csp_region: str
    groups: tuple[DefaultGroup, ...]


@dataclass(frozen=True, slots=True)
class SafeLaunchOutcome:
    """N69 (success) and N70 (failure): how safe launch went (A09, A10)."""

    release_id: str
    success: bool
    counts: HubCounts
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class PilotOutcome:
    """N75 (success) and N76 (failure): how the pilot went (A06, A07)."""

    release_id: str
    success: bool
    counts: HubCounts
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class CommsHubFirmwareFailure:
    """N71: distribution of the image to this hub, or its activation, failed (BR-2.5)."""

    device_id: int
    firmware_version: str
    stage: OutcomeStage
    reason: str | None = None
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class FirmwareRolloutDecision:
    """N72: a roll-out decision and what it means for pending requests (BR-6.5). X08 names hubs and their period."""

    release_id: str
    decision: RolloutAction | DirectInstruction
    standing: Standing
    decided_by: str | None = None
    reason: str | None = None
    new_date: datetime | None = None
    effect_on_pending: str | None = None
    device_ids: tuple[int, ...] = ()
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class SplitSupplierInstruction:
    """N73: whether the second supplier of these hubs has instructed; never who it is."""

    release_id: str
    other: OtherSupplier
    device_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PreferredPilotScheduleDecision:
    """N74: the CSP's final say on one group; `period` is the one fixed.

    `device_ids` are the hubs of the piece of the group that it is about; none: the whole group.
    """

    release_id: str
    group_id: str
    decision: GroupDecision
    reason: str | None = None
    period: Period | None = None
    device_ids: tuple[int, ...] = ()


AlertBody = (
    CommsHubFirmwareActivation
    | DefaultPilotList
    | DefaultPilotSchedule
    | SafeLaunchSchedule
    | SafeLaunchOutcome
    | CommsHubFirmwareFailure
    | FirmwareRolloutDecision
    | SplitSupplierInstruction
    | PreferredPilotScheduleDecision
    | PilotOutcome
)
