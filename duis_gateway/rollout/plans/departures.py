"""Whether a hub was moved, or may be moved now, as it is planned (X10; BR-3.5, BR-3.6): pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duis_gateway.rollout.plans.comparison import INSTRUCTIONS_GONE
from duis_gateway.rollout.plans.records import DeviationKind, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import ended_void, plan_hub
from duis_gateway.rollout.releases.records import Period, ReleaseState

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Departure:
    """How a move at a moment departs from the plan, the period that was planned, if any, or why nothing was."""

    kind: DeviationKind
    period: Period | None = None
    void: VoidReason | None = None


def departure(facts: PlanFacts, at: datetime) -> Departure | None:
    """Return how the activation of a hub at this time departs from its plan; None if it is as planned.

    Nothing has to be planned for the automatic date and after it. The last moment of a period belongs to it.
    """
    release = facts.release
    if release.state is ReleaseState.NOTIFIED:
        return Departure(DeviationKind.RELEASE_NOT_APPROVED)
    if not release.state.is_live:
        return Departure(DeviationKind.RELEASE_OVER)
    if release.paused:
        return Departure(DeviationKind.RELEASE_PAUSED)
    plan = plan_hub(replace(facts, at=at - _INSTANT))
    if plan.period is not None:
        if at >= plan.period.start:
            return None
        return Departure(DeviationKind.BEFORE_PERIOD, plan.period)
    if plan.due is not None and at >= plan.due:
        return None
    if plan.void is VoidReason.PERIOD_ENDED:
        return Departure(DeviationKind.AFTER_PERIOD)
    return Departure(DeviationKind.NOT_PLANNED, void=_void(facts, plan.void))


def _void(facts: PlanFacts, reason: VoidReason | None) -> VoidReason:
    """Return why nothing is planned, as it was told when it came about (X09).

    What ended an instruction of a supplier of the hub comes first; where only a former supplier instructed, it is that
    the hub changed supplier.
    """
    if reason in INSTRUCTIONS_GONE:
        of_import, of_gas = (ended_void(facts, one) for one in (facts.hub.import_supplier, facts.hub.gas_supplier))
        ended = of_import or of_gas
        if ended is not None:
            return ended
    former = any(one.supplier not in facts.hub.suppliers for one in facts.instructions)
    if former and reason is VoidReason.NOT_INSTRUCTED:
        return VoidReason.CHANGED_SUPPLIER
    return reason or VoidReason.NOT_INSTRUCTED
