"""What N69 and N70, and N75 and N76, have in common: how a stage went as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from duis_gateway.duis.alerts.content import outcome
from duis_gateway.duis.alerts.fields import COMMENTARY, COUNTS, RELEASE
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, words_of_outcome
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Record
from duis_gateway.rollout.rollout_decisions.records import HubCounts


@dataclass(frozen=True, slots=True)
class OutcomeOfStage(AlertBody):
    """How a stage went. `in_words`: what people call the stage."""

    in_words: ClassVar[str]

    release_id: str
    success: bool
    counts: HubCounts
    commentary: str | None = None

    def parts(self, room: int) -> list[str]:
        """Return the only part."""
        return [outcome(self.release_id, self.counts, self.commentary)]

    def words(self) -> Words:
        """Return how it went, with the numbers."""
        return words_of_outcome(self.in_words, self.release_id, self.success, self.counts, self.commentary)


def outcome_kind(code: str, body: type[OutcomeOfStage], rows: frozenset[str], *, success: bool) -> AlertKind:
    """Return the code for a success, or for a failure."""
    given = {"success": success}
    record = Record(body, RELEASE, COUNTS, COMMENTARY, given=given)
    return AlertKind(code, body.__name__, DUIS_6_0, rows, record, given=given)
