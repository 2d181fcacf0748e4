"""Why nothing but the automatic date moves a hub, in the words in which it was told when it came about (X09): pure."""

from __future__ import annotations

from duis_gateway.rollout.hub_events.records import OF_DCC
from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.plans.comparison import INSTRUCTIONS_GONE
from duis_gateway.rollout.plans.counting import counting_in_the_plan, ended_void, given_by, instructs, obstacle
from duis_gateway.rollout.plans.records import PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import Basis, HubPlan, plan_hub


def as_told(facts: PlanFacts, reason: VoidReason | None) -> VoidReason:
    """Return why nothing is planned, given what the plan says of it.

    What ended an instruction of a supplier of the hub comes first; where only a former supplier instructed, it is that
    the hub changed supplier.
    """
    if reason in INSTRUCTIONS_GONE:
        whose = facts.hub.import_supplier, facts.hub.gas_supplier, OF_DCC
        ended = next(filter(None, (ended_void(facts, one) for one in whose)), None)
        if ended is not None:
            return ended
    if reason is VoidReason.NOT_INSTRUCTED and _by_a_former_supplier(facts):
        return VoidReason.CHANGED_SUPPLIER
    return reason or VoidReason.NOT_INSTRUCTED


HALVES = (VoidReason.AWAITS_SECOND_SUPPLIER, VoidReason.SECOND_SUPPLIER_TOO_LATE)
"""Why a split hub is not moved of which one supplier's half alone is there."""


def of_a_half(facts: PlanFacts, reason: VoidReason) -> VoidReason:
    """Return why a split hub of which one supplier's half alone is there is not moved, as the viewer was told.

    A supplier whose own period is over was told so; who had none was told nothing of the end of the other's.
    """
    if any(one.supplier == facts.viewer for one in facts.instructions) and facts.viewer in facts.hub.suppliers:
        own = instructs(facts, facts.viewer)
        return reason if own else VoidReason.PERIOD_ENDED
    if any(instructs(facts, one) for one in facts.hub.suppliers):
        return reason
    return VoidReason.PERIOD_ENDED if facts.viewer is None else VoidReason.NOT_INSTRUCTED


def void_of(facts: PlanFacts, plan: HubPlan) -> VoidReason | None:
    """Return why what was instructed moves a hub not, or not any more; None where nothing was, or where it does.

    It is for the eyes of the viewer of the facts: a supplier is told nothing of what a former one instructed, nor that
    the other has taken its own back or protects the hub, and of its own period that it is over.
    """
    if plan.void in _WITH_THE_RELEASE:
        return _ended_with_the_release(facts, plan.void)
    if plan.period is not None:
        return VoidReason.PAUSED if plan.held else None
    if plan.basis is not Basis.AUTOMATIC_DATE:
        return None
    reason = as_told(facts, plan.void)
    if reason in HALVES:
        reason = of_a_half(facts, reason)
    if reason is VoidReason.REFUSED_BY_CSP and facts.viewer is not None:
        reason = of_ones_own(facts, facts.viewer, reason)
    if reason is VoidReason.CHANGED_SUPPLIER and facts.viewer is not None:
        reason = VoidReason.NOT_INSTRUCTED
    if reason is VoidReason.NOT_INSTRUCTED and not _had_instructed(facts):
        return None
    return reason


_WITH_THE_RELEASE = frozenset({VoidReason.RELEASE_OVER, VoidReason.PILOT_INVALIDATED})


def _ended_with_the_release(facts: PlanFacts, reason: VoidReason) -> VoidReason | None:
    """Return why what was instructed under a release that is over stands no more: it had ended before, or with it."""
    whose = facts.hub.suppliers if facts.viewer is None else facts.hub.suppliers & {facts.viewer}
    ended = [why for one in whose if (why := ended_void(facts, one)) is not None]
    if ended:
        return max(ended, key=lambda why: (_BEFORE_THE_RELEASE.get(why, len(_BEFORE_THE_RELEASE)), why))
    if any(one.supplier in whose for one in facts.instructions):
        return reason
    if facts.viewer is None and _by_a_former_supplier(facts):
        return VoidReason.CHANGED_SUPPLIER
    return ended_void(facts, OF_DCC)


_BEFORE_THE_RELEASE = {VoidReason.NOT_INSTRUCTED: 0, VoidReason.PERIOD_ENDED: 1, VoidReason.REFUSED_BY_CSP: 2}
"""Of two suppliers' halves of a hub, what is said of both: the last comes first, and before it what ended later."""


def of_ones_own(facts: PlanFacts, supplier: int, reason: VoidReason) -> VoidReason:
    """Return why a split hub of which the CSP refused a half is not moved, as this supplier was told: its own is over.

    As long as it is not, it is the refusal that keeps the hub from its plan.
    """
    over = void_already(facts, supplier, by_dcc=False) is VoidReason.PERIOD_ENDED
    return VoidReason.PERIOD_ENDED if over else reason


def void_already(facts: PlanFacts, supplier: int, *, by_dcc: bool) -> VoidReason | None:
    """Return why the supplier's own groups, or DCC's choice for it, move the hub no more; None where one of them does.

    Of a split hub one half stands also where the other is void, and until the end of the joint period. None, too, where
    nothing of it names the hub.
    """
    own = [one for one in given_by(facts, supplier) if one.by_dcc is by_dcc]
    if supplier in facts.withheld:
        return VoidReason.NOT_INSTRUCTED
    if own and supplier not in facts.hub.suppliers:
        return VoidReason.CHANGED_SUPPLIER
    counts = counting_in_the_plan(facts, supplier)
    standing = counts is not None and counts.by_dcc is by_dcc and plan_hub(facts).basis is Basis.INSTRUCTED
    able = (one for one in own if obstacle(facts, one) is None)
    if not own or standing or any(not is_over(one.counting_period, facts.at) for one in able):
        return None
    return obstacle(facts, max(own, key=lambda one: one.received_at)) or VoidReason.PERIOD_ENDED


def _by_a_former_supplier(facts: PlanFacts) -> bool:
    if any(one.supplier not in facts.hub.suppliers for one in facts.instructions):
        return True
    left = facts.endings.keys() - facts.hub.suppliers - {OF_DCC}
    return any(ended_void(facts, one) is VoidReason.CHANGED_SUPPLIER for one in left)


def _had_instructed(facts: PlanFacts) -> bool:
    """Whether there was an instruction that counts no longer: of the viewer's, or of any of the hub's suppliers."""
    whose = facts.hub.suppliers if facts.viewer is None else {facts.viewer}
    return any(one in facts.withheld or one in facts.endings for one in whose)
