"""What DCC and the CSPs decide on a roll-out (interactions A06 to A10, X03 and X07)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RolloutAction(StrEnum):
    """What a roll-out decision ends in (BR-1.5, BR-6.3)."""

    PROCEED = "Proceed"
    PAUSE = "Pause"
    DELAY = "Delay"
    STOP = "Stop"
    REVOKE = "Revoke"
    WITHDRAW = "Withdraw"


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
