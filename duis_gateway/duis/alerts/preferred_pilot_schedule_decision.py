"""N74: a CSP's final decision on a group in a preferred schedule (X07)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from duis_gateway.duis.alerts.content import period, remark, with_lists
from duis_gateway.duis.alerts.fields import DEVICES, PERIOD, REASON, RELEASE
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.voids import NOT_PLANNED, void_in_words, void_lists
from duis_gateway.duis.alerts.words import Words, count_hubs, hub_rows, show_period
from duis_gateway.duis.device_lists import render_device_list
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import TEXT, Field, Record, enumerated
from duis_gateway.rollout.plans.records import VoidPlan
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.rollout_decisions.records import GroupDecision


@dataclass(frozen=True, slots=True)
class PreferredPilotScheduleDecision(AlertBody):
    """N74: the CSP's final decision on one group; `period` is the one fixed.

    `device_ids` are the hubs of the part of the group that it is about; none: the whole group. `not_planned` are those
    of them that are still not planned despite it, with the reason: a second supplier's half is awaited, or was refused.
    """

    release_id: str
    group_id: str
    decision: GroupDecision
    reason: str | None = None
    period: Period | None = None
    device_ids: tuple[int, ...] = ()
    not_planned: tuple[VoidPlan, ...] = ()

    def parts(self, room: int) -> list[str]:
        """Return the decision, in parts if it names many hubs."""
        head = (
            leaf("FirmwareReleaseID", self.release_id)
            + leaf("GroupID", self.group_id)
            + leaf("Decision", self.decision)
            + remark("Reason", self.reason)
            + (period(self.period) if self.period else "")
        )
        return with_lists(head, self._lists(), room)

    def _lists(self) -> Iterator[tuple[Callable[[tuple[int, ...]], str], tuple[int, ...]]]:
        if self.device_ids:
            yield lambda ids: leaf("DeviceIDList", render_device_list(ids)), self.device_ids
        yield from void_lists("NotPlanned", self.not_planned)

    def words(self) -> Words:
        """Return the decision, with its period and reason."""
        span = f" Its period is {show_period(self.period)}." if self.period else ""
        reason = (f"Reason: {self.reason}",) if self.reason else ()
        piece = f"{count_hubs(len(self.device_ids))} of " if self.device_ids else ""
        what = f"The CSP has decided on {piece}your group {self.group_id}: {str(self.decision).lower()}.{span}"
        return Words(
            f"Group {self.group_id} of {self.release_id}: {self.decision}",
            (what, *reason, *map(void_in_words, self.not_planned)),
            columns=("device_id",),
            rows=hub_rows(self.device_ids),
        )


N74 = AlertKind(
    "N74",
    "PreferredPilotScheduleDecision",
    DUIS_6_0,
    frozenset({"X07"}),
    Record(
        PreferredPilotScheduleDecision,
        RELEASE,
        Field("GroupID", "group_id", TEXT),
        Field("Decision", "decision", enumerated(GroupDecision)),
        REASON,
        PERIOD,
        DEVICES,
        NOT_PLANNED,
    ),
)
