"""N68: a CSP's schedule for safe launch, as it concerns the recipient (A08)."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.content import release, with_items
from duis_gateway.duis.alerts.fields import GROUPS, REGION, RELEASE, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, of_schedule
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Record
from duis_gateway.rollout.releases.records import DefaultGroup


@dataclass(frozen=True, slots=True)
class SafeLaunchSchedule(AlertBody):
    """N68: a CSP's schedule for safe launch, with the recipient's hubs."""

    release_id: str
    firmware_version: str
    csp_region: str
    groups: tuple[DefaultGroup, ...]

    def parts(self, room: int) -> list[str]:
        """Return the groups, in parts where they are many."""
        head = release(self.release_id, self.firmware_version) + leaf("CSPRegion", self.csp_region)
        return with_items(head, self.groups, (), room)

    def words(self) -> Words:
        """Return the groups."""
        return of_schedule("Safe Launch Schedule", self.release_id, self.csp_region, self.groups, ())


N68 = AlertKind(
    "N68",
    "SafeLaunchSchedule",
    DUIS_6_0,
    frozenset({"A08"}),
    Record(SafeLaunchSchedule, RELEASE, VERSION, REGION, GROUPS),
)
