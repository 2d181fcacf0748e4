"""What N67 and N68 have in common: a CSP's schedule for a stage, as it concerns the recipient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from duis_gateway.duis.alerts.content import of_schedule, release
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.words import Words, words_of_schedule
from duis_gateway.duis.rendering import leaf
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint


@dataclass(frozen=True, slots=True)
class ScheduleOfCsp(AlertBody):
    """A CSP's schedule, with the recipient's hubs, and what it offers. `in_words`: what people call it."""

    in_words: ClassVar[str]

    release_id: str
    firmware_version: str
    csp_region: str
    groups: tuple[DefaultGroup, ...]
    constraints: tuple[OfferedConstraint, ...] = ()

    def parts(self, room: int) -> list[str]:
        """Return groups and constraints, in parts if there are many."""
        head = release(self.release_id, self.firmware_version) + leaf("CSPRegion", self.csp_region)
        return of_schedule(head, self.groups, self.constraints, room)

    def words(self) -> Words:
        """Return the groups, and what the CSP offers."""
        return words_of_schedule(self.in_words, self.release_id, self.csp_region, self.groups, self.constraints)
