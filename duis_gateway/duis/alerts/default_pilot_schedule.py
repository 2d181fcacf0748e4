"""N67: a CSP's default schedule for the pilot, as it concerns the recipient (A03)."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.content import release, remark, with_items
from duis_gateway.duis.alerts.fields import GROUPS, REGION, RELEASE, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, of_schedule
from duis_gateway.duis.rendering import leaf, node
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import TEXT, Field, Record
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
        constraints = (
            node("OfferedConstraint", leaf("Code", each.code), remark("Description", each.description))
            for each in self.constraints
        )
        return with_items(head, self.groups, constraints, room)

    def words(self) -> Words:
        """Return the groups, and what the CSP offers."""
        name = "Default Pilot Schedule"
        return of_schedule(name, self.release_id, self.csp_region, self.groups, self.constraints)


_CONSTRAINT = Record(
    OfferedConstraint,
    Field("Code", "code", TEXT),
    Field("Description", "description", TEXT, optional=True),
    given={"description": ""},
)

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
        Field("OfferedConstraint", "constraints", _CONSTRAINT, many=True),
    ),
)
