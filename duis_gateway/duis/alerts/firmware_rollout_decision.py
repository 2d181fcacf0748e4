"""N72: a roll-out decision (X03), or hubs that DCC instructs itself (X08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.duis.alerts.content import period, remark, with_devices
from duis_gateway.duis.alerts.fields import DEVICES, PERIOD, REASON, RELEASE, TIME
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, hub_rows, show_period
from duis_gateway.duis.rendering import leaf, optional
from duis_gateway.duis.times import format_date_time
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import TEXT, Field, Record, enumerated
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.rollout_decisions.records import Consequence, RolloutAction, Standing
from duis_gateway.text.times import show_time


class DirectInstruction(StrEnum):
    """What DCC itself instructs for single hubs in a release (X08)."""

    BATCH = "BatchInstruction"
    PILOT_SELECTION = "PilotSelection"


@dataclass(frozen=True, slots=True)
class FirmwareRolloutDecision(AlertBody):
    """N72: a roll-out decision and what it means for pending requests (BR-6.5). X08 names hubs and their period."""

    release_id: str
    decision: RolloutAction | Consequence | DirectInstruction
    standing: Standing
    decided_by: str | None = None
    reason: str | None = None
    new_date: datetime | None = None
    effect_on_pending: str | None = None
    device_ids: tuple[int, ...] = ()
    period: Period | None = None

    def parts(self, room: int) -> list[str]:
        """Return the decision, in parts if it names many hubs."""
        head = (
            leaf("FirmwareReleaseID", self.release_id)
            + leaf("Decision", self.decision)
            + leaf("DecisionStatus", self.standing)
            + remark("DecidedBy", self.decided_by)
            + remark("Reason", self.reason)
            + optional("NewDate", format_date_time(self.new_date) if self.new_date else None)
            + remark("EffectOnPendingRequests", self.effect_on_pending)
        )
        tail = period(self.period) if self.period else ""
        return with_devices(head, self.device_ids, tail, room) if self.device_ids else [head + tail]

    def words(self) -> Words:
        """Return the decision, with what is known about it."""
        decided = f"{self.decision}, {str(self.standing).lower()}"
        facts = [("Decision", decided)]
        facts += [
            (label, value)
            for label, value in (
                ("Decided by", self.decided_by),
                ("Reason", self.reason),
                ("New date", show_time(self.new_date) if self.new_date else None),
                ("Period", show_period(self.period) if self.period else None),
                ("Pending requests", self.effect_on_pending),
            )
            if value
        ]
        what = f"The decision on the roll-out of firmware release {self.release_id}: {decided}."
        if self.decision is Consequence.PILOT_INVALIDATED:
            what = f"The pilot of firmware release {self.release_id} was invalidated."
        return Words(
            f"{self.decision} for {self.release_id}",
            (what,),
            tuple(facts),
            ("device_id",),
            hub_rows(self.device_ids),
        )


N72 = AlertKind(
    "N72",
    "FirmwareRolloutDecision",
    DUIS_6_0,
    frozenset({"X03", "X08"}),
    Record(
        FirmwareRolloutDecision,
        RELEASE,
        Field("Decision", "decision", enumerated(RolloutAction, Consequence, DirectInstruction)),
        Field("DecisionStatus", "standing", enumerated(Standing)),
        Field("DecidedBy", "decided_by", TEXT, optional=True),
        REASON,
        Field("NewDate", "new_date", TIME, optional=True),
        Field("EffectOnPendingRequests", "effect_on_pending", TEXT, optional=True),
        DEVICES,
        PERIOD,
    ),
)
