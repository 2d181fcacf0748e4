"""What is counted of the hubs that fail under a release, and the pause that was proposed to DCC because of it (X11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.releases.records import FailureThreshold


@dataclass(frozen=True, slots=True)
class HourCount:
    """The hubs whose newest outcome under a release was received in one hour, and how many of them failed.

    `after`: the number of the last outcome that is not counted in it; what was recorded before it, in the same hour,
    was counted before the count began anew.
    """

    hour: datetime
    after: int
    hubs: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class EarlierOutcome:
    """The newest outcome of a hub under a release before the one that comes in; its number rises with each recorded."""

    number: int
    received_at: datetime
    stage: OutcomeStage
    success: bool


@dataclass(frozen=True, slots=True)
class Failures:
    """How many hubs had an outcome within the window, and how many of them failed."""

    hubs: int
    failed: int


@dataclass(frozen=True, slots=True)
class ProposedPause:
    """A pause that was proposed to DCC, and on which it has not decided; the threshold as it was then."""

    release_id: str
    at: datetime
    failures: Failures
    threshold: FailureThreshold
