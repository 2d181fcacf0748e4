"""N68: a CSP's schedule for safe launch, as it concerns the recipient (A08)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from duis_gateway.duis.alerts.fields import CONSTRAINTS, GROUPS, REGION, RELEASE, VERSION
from duis_gateway.duis.alerts.kind import AlertKind
from duis_gateway.duis.alerts.schedule_of_csp import ScheduleOfCsp
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Record


@dataclass(frozen=True, slots=True)
class SafeLaunchSchedule(ScheduleOfCsp):
    """N68: a CSP's schedule for safe launch, with the recipient's hubs, and what it offers."""

    in_words: ClassVar[str] = "Safe Launch Schedule"


N68 = AlertKind(
    "N68",
    "SafeLaunchSchedule",
    DUIS_6_0,
    frozenset({"A08"}),
    Record(SafeLaunchSchedule, RELEASE, VERSION, REGION, GROUPS, CONSTRAINTS),
)
