"""N74: a CSP's final say on a group of a preferred schedule (X07)."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.content import period, remark, with_devices
from duis_gateway.duis.alerts.fields import DEVICES, PERIOD, REASON, RELEASE
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, count_hubs, hub_rows, show_period
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import TEXT, Field, Record, enumerated
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.rollout_decisions.records import GroupDecision


@dataclass(frozen=True, slots=True)
class PreferredPilotScheduleDecision(AlertBody):
    """N74: the CSP's final say on one group; `period` is the one fixed.

    `device_ids` are the hubs of the piece of the group that it is about; none: the whole group.
    """

    release_id: str
    group_id: str
    decision: GroupDecision
    reason: str | None = None
    period: Period | None = None
    device_ids: tuple[int, ...] = ()

    def parts(self, room: int) -> list[str]:
        """Return the decision; in parts where it names many hubs."""
        head = (
            leaf("FirmwareReleaseID", self.release_id)
            + leaf("GroupID", self.group_id)
            + leaf("Decision", self.decision)
            + remark("Reason", self.reason)
            + (period(self.period) if self.period else "")
        )
        return with_devices(head, self.device_ids, "", room) if self.device_ids else [head]

    def words(self) -> Words:
        """Return the decision, with its period and reason."""
        span = f" Its period is {show_period(self.period)}." if self.period else ""
        reason = (f"Reason: {self.reason}",) if self.reason else ()
        piece = f"{count_hubs(len(self.device_ids))} of " if self.device_ids else ""
        what = f"The CSP has decided on {piece}your group {self.group_id}: {str(self.decision).lower()}.{span}"
        return Words(
            f"Group {self.group_id} of {self.release_id}: {self.decision}",
            (what, *reason),
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
    ),
)
