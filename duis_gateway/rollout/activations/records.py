"""What became of the firmware at single hubs, as the CSPs report it (interactions X01 and X02)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class OutcomeStage(StrEnum):
    """What the outcome is of: the distribution of the image, or its activation (BR-2.5)."""

    DISTRIBUTION = "Distribution"
    ACTIVATION = "Activation"


@dataclass(frozen=True, slots=True)
class HubOutcome:
    """One hub's outcome: an answer to CS06, or the end of the distribution of the image to it."""

    device_id: int
    stage: OutcomeStage
    success: bool
    firmware_version: str
    completed_at: datetime
    failure_reason: str | None = None
    commentary: str | None = None


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """A CSP's word that it sent CS06 to a hub."""

    device_id: int
    firmware_version: str
    issued_at: datetime
    release_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """One item of a message that is not accepted, with its reason (acknowledgements of the CSP and ESI doors)."""

    item: str
    reason: str
