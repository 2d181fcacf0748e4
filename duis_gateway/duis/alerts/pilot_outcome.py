"""N75 (success) and N76 (failure): how the pilot went (A06, A07)."""

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
class PilotOutcome(AlertBody):
    """N75 (success) and N76 (failure): how the pilot went (A06, A07)."""

    release_id: str
    success: bool
    counts: HubCounts
    commentary: str | None = None

    def parts(self, room: int) -> list[str]:
        """Return the one part that there is."""
        return [outcome(self.release_id, self.counts, self.commentary)]

    def words(self) -> Words:
        """Return how it went, with the numbers."""
        return words_of_outcome("pilot", self.release_id, self.success, self.counts, self.commentary)


def _kind(code: str, *, success: bool) -> AlertKind:
    given = {"success": success}
    record = Record(PilotOutcome, RELEASE, COUNTS, COMMENTARY, given=given)
    return AlertKind(code, "PilotOutcome", DUIS_6_0, frozenset({"A06", "A07"}), record, given=given)


N75 = _kind("N75", success=True)
N76 = _kind("N76", success=False)
