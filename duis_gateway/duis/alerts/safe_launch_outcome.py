"""N69 (success) and N70 (failure): how safe launch went (A09, A10)."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.content import outcome
from duis_gateway.duis.alerts.fields import COMMENTARY, COUNTS, RELEASE
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, words_of_outcome
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Record
from duis_gateway.rollout.rollout_decisions.records import HubCounts


@dataclass(frozen=True, slots=True)
class SafeLaunchOutcome(AlertBody):
    """N69 (success) and N70 (failure): how safe launch went (A09, A10)."""

    release_id: str
    success: bool
    counts: HubCounts
    commentary: str | None = None

    def parts(self, room: int) -> list[str]:
        """Return the one part that there is."""
        return [outcome(self.release_id, self.counts, self.commentary)]

    def words(self) -> Words:
        """Return how it went, with the numbers."""
        return words_of_outcome("safe launch", self.release_id, self.success, self.counts, self.commentary)


def _kind(code: str, *, success: bool) -> AlertKind:
    given = {"success": success}
    record = Record(SafeLaunchOutcome, RELEASE, COUNTS, COMMENTARY, given=given)
    return AlertKind(code, "SafeLaunchOutcome", DUIS_6_0, frozenset({"A09", "A10"}), record, given=given)


N69 = _kind("N69", success=True)
N70 = _kind("N70", success=False)
