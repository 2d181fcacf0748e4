"""Whether a hub was moved, or may be moved now, as it is planned (X10; BR-3.5, BR-3.6): pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.plans.records import DeviationKind, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.void import HALVES, as_told
from duis_gateway.rollout.releases.records import Period, ReleaseState


@dataclass(frozen=True, slots=True)
class Departure:
    """How a move at a moment departs from the plan, the period that was planned, if any, or why nothing was."""

    kind: DeviationKind
    period: Period | None = None
    void: VoidReason | None = None


def departure(facts: PlanFacts, at: datetime) -> Departure | None:
    """Return how the activation of a hub at this time departs from its plan; None if it is as planned.

    Nothing has to be planned for the automatic date and after it. At its end a period is over.
    """
    release = facts.release
    if release.state is ReleaseState.NOTIFIED:
        return Departure(DeviationKind.RELEASE_NOT_APPROVED)
    if not release.state.is_live:
        return Departure(DeviationKind.RELEASE_OVER)
    if release.paused:
        return Departure(DeviationKind.RELEASE_PAUSED)
    then = replace(facts, at=at)
    plan = plan_hub(then)
    if plan.period is not None:
        if at >= plan.period.start:
            return None
        return Departure(DeviationKind.BEFORE_PERIOD, plan.period)
    if plan.due is not None and at >= plan.due:
        return None
    void = as_told(then, plan.void)
    if void is VoidReason.PERIOD_ENDED and plan.void not in HALVES:
        return Departure(DeviationKind.AFTER_PERIOD, _was_planned(facts, at))
    return Departure(DeviationKind.NOT_PLANNED, void=void)


def _was_planned(facts: PlanFacts, at: datetime) -> Period | None:
    """Return the period planned last that is over at this time; None where what was instructed stands no more.

    Just before its end, as the plan of a hub is worked out at any moment: of two suppliers it is the joint one.
    """
    given = [one.counting_period for one in facts.instructions] + ([facts.batch] if facts.batch else [])
    last = max((period.end for period in given if is_over(period, at)), default=None)
    if last is None:
        return None
    planned = plan_hub(replace(facts, at=last - timedelta.resolution)).period
    return planned if planned is not None and is_over(planned, at) else None
