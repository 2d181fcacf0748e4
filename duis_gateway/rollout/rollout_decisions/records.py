"""What DCC and the CSPs decide on a roll-out (interactions A06 to A10, X03 and X07)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.releases.records import Period, ReleaseState, Stage


class RolloutAction(StrEnum):
    """What a roll-out decision ends in (BR-1.5, BR-6.3)."""

    PROCEED = "Proceed"
    PAUSE = "Pause"
    DELAY = "Delay"
    STOP = "Stop"
    REVOKE = "Revoke"
    WITHDRAW = "Withdraw"


class Consequence(StrEnum):
    """What follows for a release from something else, and is told as a decision is (N72)."""

    PILOT_INVALIDATED = "PilotInvalidated"  # by the approval of a successor (PIA-A13)


BY_DCC = "DCC"
"""Who decided, where DCC did in another message than a `RolloutDecision`, which names whoever it was."""


class Standing(StrEnum):
    """Whether a decision stands until it is confirmed, or is (BR-6.4)."""

    PROVISIONAL = "Provisional"
    CONFIRMED = "Confirmed"


class GroupDecision(StrEnum):
    """A CSP's final say on one group of a preferred schedule (PIA-C2)."""

    ACCEPTED = "Accepted"
    AMENDED = "Amended"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class HubCounts:
    """How many hubs a stage meant to update, did update, and failed to update."""

    targeted: int
    activated: int
    failed: int


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A roll-out decision as DCC told it (X03). `new_date` goes with a delay."""

    release_id: str
    action: RolloutAction
    standing: Standing
    decided_by: str
    reason: str
    received_at: datetime
    new_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """A supplier's incident, from DCC's service desk (X04). `decided_at`: a roll-out decision was taken since."""

    reference: str
    supplier: int
    release_id: str
    severity: str
    emergency_stop: bool
    received_at: datetime
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StageReport:
    """How a stage went, as DCC told it last (A06, A07, A09, A10). `decided`: a decision was taken since."""

    release_id: str
    stage: Stage
    success: bool
    counts: HubCounts
    commentary: str | None
    reported_at: datetime
    decided: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """One line of a release's history: what happened when, by whom, and how the release stood then.

    `by` is a party as DUIS writes it, a body that decided ("SEC Panel"), or "time".
    """

    release_id: str
    at: datetime
    event: str
    state: ReleaseState
    paused: bool
    by: str
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class DirectGroup:
    """Hubs that DCC named itself (X08): a batch by its name, or what it chose on a supplier's behalf.

    `period` None: of a batch alone, which then goes at the automatic date. `since`: where it is about one hub, from
    when that was instructed for the supplier without a gap, None where that is since DCC chose it.
    """

    release_id: str
    period: Period | None
    received_at: datetime
    device_ids: tuple[int, ...]
    group_id: str = ""
    supplier: int | None = None
    since: datetime | None = None
