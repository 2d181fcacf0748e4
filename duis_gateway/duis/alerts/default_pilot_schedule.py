"""N67: a CSP's default schedule for the pilot, as it concerns the recipient (A03)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from duis_gateway.duis.alerts.fields import CONSTRAINTS, GROUPS, REGION, RELEASE, VERSION
from duis_gateway.duis.alerts.kind import AlertKind
from duis_gateway.duis.alerts.schedule_of_csp import ScheduleOfCsp
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Record


@dataclass(frozen=True, slots=True)
class DefaultPilotSchedule(ScheduleOfCsp):
    """N67: a CSP's default schedule for the pilot, with the recipient's hubs, and what it offers."""

    in_words: ClassVar[str] = "Default Pilot Schedule"


N67 = AlertKind(
    "N67",
    "DefaultPilotSchedule",
    DUIS_6_0,
    frozenset({"A03"}),
    Record(DefaultPilotSchedule, RELEASE, VERSION, REGION, GROUPS, CONSTRAINTS),
)
