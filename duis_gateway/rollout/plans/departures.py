"""Whether a hub was moved, or may be moved now, as it is planned (X10; BR-3.5, BR-3.6): pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duis_gateway.rollout.plans.records import DeviationKind, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.releases.records import Period, ReleaseState

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Departure:
    """How a move at a moment departs from the plan; the period that was planned, if any; and why, in words."""

    kind: DeviationKind
    why: str
    period: Period | None = None


def departure(facts: PlanFacts, at: datetime) -> Departure | None:
    """Return how the activation of a hub at this time departs from its plan; None if it is as planned.

    Nothing has to be planned for the automatic date and after it. The last moment of a period belongs to it.
    """
    release = facts.release
    if release.state is ReleaseState.NOTIFIED:
        return Departure(DeviationKind.RELEASE_NOT_APPROVED, "the release is not approved")
    if not release.state.is_live:
        return Departure(DeviationKind.RELEASE_OVER, f"the release is {release.state.value.replace('_', ' ')}")
    if release.paused:
        return Departure(DeviationKind.RELEASE_PAUSED, "the release is paused")
    plan = plan_hub(replace(facts, at=at - _INSTANT))
    if plan.period is not None:
        if at >= plan.period.start:
            return None
        why = f"its period begins at {plan.period.start:%Y-%m-%d %H:%M:%S} UTC"
        return Departure(DeviationKind.BEFORE_PERIOD, why, plan.period)
    if plan.due is not None and at >= plan.due:
        return None
    void = plan.void or VoidReason.NOT_INSTRUCTED
    kind = DeviationKind.AFTER_PERIOD if void is VoidReason.PERIOD_ENDED else DeviationKind.NOT_PLANNED
    return Departure(kind, _IN_WORDS[void])


_IN_WORDS = {
    VoidReason.NOT_INSTRUCTED: "it is not instructed, and the automatic date has not come",
    VoidReason.AWAITS_SECOND_SUPPLIER: "it awaits the instruction of its second supplier",
    VoidReason.REFUSED_BY_CSP: "the CSP refused an instruction that it needs",
    VoidReason.TOO_LATE: "its period does not end before the automatic date",
    VoidReason.OUTSIDE_PILOT: "its period does not start within the pilot",
    VoidReason.EXCLUDED: "the release excludes it from its pilot",
    VoidReason.PERIOD_ENDED: "its period has ended",
    VoidReason.NOT_COMMISSIONED: "it is not commissioned",
    VoidReason.OTHER_MODEL: "it is of another device model",
    VoidReason.RUNS_VERSION: "it runs the version already",
    VoidReason.LATER_VERSION: "it runs the version of a later release",
    VoidReason.NOT_PERMITTED: "it runs a version that the release does not permit as its predecessor",
}
"""The words for each reason that is left once the release itself lets hubs be moved."""
