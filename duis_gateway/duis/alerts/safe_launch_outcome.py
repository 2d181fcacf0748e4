"""N69 (success) and N70 (failure): how safe launch went (A09, A10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from duis_gateway.duis.alerts.outcome_of_stage import OutcomeOfStage, outcome_kind


@dataclass(frozen=True, slots=True)
class SafeLaunchOutcome(OutcomeOfStage):
    """N69 (success) and N70 (failure): how safe launch went (A09, A10)."""

    in_words: ClassVar[str] = "safe launch"


_ROWS = frozenset({"A09", "A10"})

N69 = outcome_kind("N69", SafeLaunchOutcome, _ROWS, success=True)
N70 = outcome_kind("N70", SafeLaunchOutcome, _ROWS, success=False)
