"""N75 (success) and N76 (failure): how the pilot went (A06, A07)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from duis_gateway.duis.alerts.outcome_of_stage import OutcomeOfStage, outcome_kind


@dataclass(frozen=True, slots=True)
class PilotOutcome(OutcomeOfStage):
    """N75 (success) and N76 (failure): how the pilot went (A06, A07)."""

    in_words: ClassVar[str] = "pilot"


_ROWS = frozenset({"A06", "A07"})

N75 = outcome_kind("N75", PilotOutcome, _ROWS, success=True)
N76 = outcome_kind("N76", PilotOutcome, _ROWS, success=False)
