"""N67: a CSP's default schedule for the pilot, as it concerns the recipient (A03)."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.content import of_schedule, release
from duis_gateway.duis.alerts.fields import CONSTRAINTS, GROUPS, REGION, RELEASE, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, words_of_schedule
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Record
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint


@dataclass(frozen=True, slots=True)
class DefaultPilotSchedule(AlertBody):
    """N67: a CSP's default schedule for the pilot, with the recipient's hubs, and what it offers."""

    release_id: str
    firmware_version: str
    csp_region: str
    groups: tuple[DefaultGroup, ...]
    constraints: tuple[OfferedConstraint, ...] = ()

    def parts(self, room: int) -> list[str]:
        """Return groups and constraints, in parts where they are many."""
        head = release(self.release_id, self.firmware_version) + leaf("CSPRegion", self.csp_region)
        return of_schedule(head, self.groups, self.constraints, room)

    def words(self) -> Words:
        """Return the groups, and what the CSP offers."""
        name = "Default Pilot Schedule"
        return words_of_schedule(name, self.release_id, self.csp_region, self.groups, self.constraints)


N67 = AlertKind(
    "N67",
    "DefaultPilotSchedule",
    DUIS_6_0,
    frozenset({"A03"}),
    Record(
        DefaultPilotSchedule,
        RELEASE,
        VERSION,
        REGION,
        GROUPS,
        CONSTRAINTS,
    ),
)
