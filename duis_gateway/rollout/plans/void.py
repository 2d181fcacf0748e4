"""Why nothing but the automatic date moves a hub, in the words in which it is told (X09) and shown: pure.

What moved the hub last says so: why that moves it no more. Whoever is told or shown it asks here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from duis_gateway.rollout.hub_events.records import OF_DCC
from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.plans.counting import (
    counting_in_the_plan,
    ended_since,
    ended_void,
    given_by,
    instructs,
    obstacle,
    over_since,
    suppliers_seen,
    useless_since,
    why_ended,
)
from duis_gateway.rollout.plans.records import HubInstruction, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import Basis, HubPlan, plan_hub

HALVES = (VoidReason.AWAITS_SECOND_SUPPLIER, VoidReason.SECOND_SUPPLIER_TOO_LATE)
"""Why a split hub is not moved of which one supplier's half alone is there."""

OBSTACLES = (VoidReason.REFUSED_BY_CSP, VoidReason.OUTSIDE_PILOT, VoidReason.EXCLUDED)
"""Why an instruction that stands cannot count."""

OF_INSTRUCTIONS = frozenset(
    {*HALVES, *OBSTACLES, VoidReason.NOT_INSTRUCTED, VoidReason.PERIOD_ENDED, VoidReason.TOO_LATE}
)
"""What a plan is void for where it is told and shown by what became of the hub's instructions."""


def as_told(facts: PlanFacts, reason: VoidReason | None) -> VoidReason:
    """Return why nothing is planned, given what the plan says of it, as the viewer of the facts is told.

    What stands and is over says so, unless something was taken back since, or ended otherwise. A supplier is told so of
    its own, and of DCC's batch.
    """
    if reason is VoidReason.PERIOD_ENDED:
        return _over(facts)
    if reason in HALVES:
        return _of_a_half(facts, reason)
    if reason in OBSTACLES:
        return _behind_a_batch(facts, reason)
    if reason in (None, VoidReason.NOT_INSTRUCTED):
        return _not_instructed(facts)
    return reason


def told_to(facts: PlanFacts, viewer: int | None) -> VoidReason:
    """Return as what a plan is told to be void to a supplier, or (None) to the CSPs and DCC: as they are shown it."""
    seen = replace(facts, viewer=viewer)
    plan = plan_hub(seen)
    return void_of(seen, plan) or as_told(seen, plan.void)


def of_parties(facts: PlanFacts) -> tuple[VoidReason, Mapping[int, VoidReason]]:
    """Return as what a plan is told to be void to the CSPs and DCC, and to each supplier of the hub."""
    return told_to(facts, None), {one: told_to(facts, one) for one in facts.hub.suppliers}


def _over(facts: PlanFacts) -> VoidReason:
    """Return why nothing moves a hub any more of which everything that stands is over."""
    if facts.withheld & suppliers_seen(facts):
        return VoidReason.NOT_INSTRUCTED
    since, ended = over_since(facts), ended_since(facts)
    # What was taken back at the moment at which the rest was over was planned until then.
    found = [] if ended is None else [(ended[1].at, why_ended(ended[1]))]
    found += _of_former_suppliers(facts)
    found.append((since or facts.at, VoidReason.PERIOD_ENDED))
    return max(found, key=lambda one: one[0])[1]


def _of_a_half(facts: PlanFacts, reason: VoidReason) -> VoidReason:
    """Return why a split hub is not moved of which one supplier's half alone stands.

    A supplier whose own period is over was told so; who had none was told nothing of the end of the other's. Whose own
    half stands awaits the other's, whatever ended that.
    """
    suppliers, viewer = facts.hub.suppliers, facts.viewer
    own = viewer if viewer is not None and viewer in suppliers and given_by(facts, viewer) else None
    if own is not None and not instructs(facts, own):
        return _over(facts)
    if any(instructs(facts, one) for one in suppliers):
        return next(filter(None, (ended_void(facts, one) for one in suppliers_seen(facts))), reason)
    by_batch = facts.batch is not None and is_over(facts.batch, facts.at)
    return _over(facts) if viewer is None or by_batch else _not_instructed(facts)


def _behind_a_batch(facts: PlanFacts, reason: VoidReason) -> VoidReason:
    """Return why a hub is not moved of which nothing that stands can count: a batch may have moved it since."""
    batch, since = facts.endings.get(OF_DCC), useless_since(facts)
    if batch is None or since is None or batch.at > facts.at or batch.since < since:
        return reason
    return why_ended(batch)


def _not_instructed(facts: PlanFacts) -> VoidReason:
    """Return why nothing that was instructed of a hub stands any more, if anything was: what ended last says so."""
    seen = suppliers_seen(facts)
    if facts.withheld & seen:
        return VoidReason.NOT_INSTRUCTED
    every = ((one != OF_DCC, facts.endings[one]) for one in (*seen, OF_DCC) if one in facts.endings)
    found = [(ended.since, own, why_ended(ended)) for own, ended in every if ended.at <= facts.at]
    found += ((since, True, why) for since, why in _of_former_suppliers(facts))
    if found:
        return max(found, key=_weight)[2]
    return next(filter(None, (ended_void(facts, one) for one in seen)), VoidReason.NOT_INSTRUCTED)


def _weight(one: tuple[datetime, bool, VoidReason]) -> tuple[datetime, int, bool, VoidReason]:
    """Weigh when something ended, whether it was a supplier's, which counts before a batch, and why."""
    since, own, why = one
    return since, _rank(why)[0], own, why


def _of_former_suppliers(facts: PlanFacts) -> Iterator[tuple[datetime, VoidReason]]:
    """Yield why what suppliers had instructed that the hub has left moves it no more, and since when.

    The hub's suppliers are told nothing of it.
    """
    if facts.viewer is not None:
        return
    for one in facts.instructions:
        if one.supplier not in facts.hub.suppliers:
            yield _left(facts, one)
    for supplier in facts.endings.keys() - facts.hub.suppliers - {OF_DCC}:
        ended, lost = facts.endings[supplier], facts.losses.get(supplier)
        if lost is not None and lost <= ended.since:
            yield lost, VoidReason.CHANGED_SUPPLIER  # it had lost the hub before
        elif not given_by(facts, supplier):
            yield ended.since, why_ended(ended)


def _left(facts: PlanFacts, one: HubInstruction) -> tuple[datetime, VoidReason]:
    """Return why an instruction of a supplier that the hub has left counts no longer, and since when.

    One that was over before the hub changed supplier was told as that; its supplier was not told of the change.
    """
    lost, end = facts.losses.get(one.supplier), one.counting_period.end
    if is_over(one.counting_period, facts.at) and (lost is None or lost >= end):
        return end, obstacle(facts, one) or VoidReason.PERIOD_ENDED
    return lost or facts.at, VoidReason.CHANGED_SUPPLIER


def void_of(facts: PlanFacts, plan: HubPlan) -> VoidReason | None:
    """Return why what was instructed moves a hub not, or not any more; None where nothing was, or where it does.

    It is for the eyes of the viewer of the facts: a supplier is told nothing of what a former one instructed, nor that
    the other has taken its own back or protects the hub, and of its own period that it is over.
    """
    if not (facts.instructions or facts.endings or facts.batch or facts.withheld):
        return None  # as for most of millions of hubs
    if plan.void in _WITH_THE_RELEASE:
        return _ended_with_the_release(facts, plan.void)
    if plan.period is not None:
        return VoidReason.PAUSED if plan.held else None
    if plan.basis is Basis.NOT_PLANNED:
        return plan.void if was_instructed(facts) else None
    if plan.basis is Basis.ACTIVE:
        return None
    reason = as_told(facts, plan.void)
    if reason is VoidReason.REFUSED_BY_CSP and facts.viewer is not None:
        if not was_instructed(facts):
            return None  # it was the other supplier's, and is none of this one's affair (N73)
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
    ended = {one: why for one in whose if (why := _void_since(facts, one)) is not None}
    of_batch, batch = _void_since(facts, OF_DCC), facts.endings.get(OF_DCC)
    if of_batch in _WITH_THE_RELEASE and batch and all(facts.endings[one].since <= batch.since for one in ended):
        return of_batch  # it moved the hub until then, whatever else could not count
    if ended:
        return ended[max(ended, key=lambda one: _last_to_end(facts.endings[one].since, ended[one]))]
    if any(one.supplier in whose for one in facts.instructions):
        return reason
    found = list(_of_former_suppliers(facts))
    if of_batch is not None:
        found.append((facts.endings[OF_DCC].since, of_batch))
    return max(found, key=lambda one: (one[0], _rank(one[1])), default=(facts.at, None))[1]


def _void_since(facts: PlanFacts, whose: int) -> VoidReason | None:
    """Return why an instruction is void that has ended: it was made void, or was over before it was taken back."""
    ended = facts.endings.get(whose)
    if ended is not None and ended.over and not given_by(facts, whose):
        return why_ended(ended)
    return ended_void(facts, whose)


_BEFORE_THE_RELEASE = {VoidReason.NOT_INSTRUCTED: 0, VoidReason.PERIOD_ENDED: 1, VoidReason.REFUSED_BY_CSP: 2}
"""Of two suppliers' halves of a hub, what is said of both: the last comes first, and before it what ended later."""


def _rank(why: VoidReason) -> tuple[int, VoidReason]:
    return _BEFORE_THE_RELEASE.get(why, len(_BEFORE_THE_RELEASE)), why


def _last_to_end(since: datetime, why: VoidReason) -> tuple[int, datetime, bool, VoidReason]:
    # What was void before is noted as ended with the release, too: at that moment what stood until then comes last.
    return _rank(why)[0], since, why in _WITH_THE_RELEASE, why


def of_ones_own(facts: PlanFacts, supplier: int, reason: VoidReason) -> VoidReason:
    """Return why a split hub of which the CSP refused a half is not moved, as this supplier was told: its own is over.

    So it was where it ended otherwise. As long as it stands, it is the refusal that keeps the hub from its plan.
    """
    ended = ended_void(facts, supplier)
    if ended is not None:
        return ended
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
        return max((_left(facts, one) for one in own), key=lambda one: one[0])[1]
    counts = counting_in_the_plan(facts, supplier)
    standing = counts is not None and counts.by_dcc is by_dcc and plan_hub(facts).basis is Basis.INSTRUCTED
    able = (one for one in own if obstacle(facts, one) is None)
    if not own or standing or any(not is_over(one.counting_period, facts.at) for one in able):
        return None
    return obstacle(facts, max(own, key=lambda one: one.received_at)) or VoidReason.PERIOD_ENDED


def _had_instructed(facts: PlanFacts) -> bool:
    """Whether there was an instruction that counts no longer: a batch, the viewer's, or for CSPs and DCC anybody's."""
    if facts.viewer is None:
        return bool(facts.endings or facts.withheld & facts.hub.suppliers)
    return facts.viewer in facts.withheld or facts.viewer in facts.endings or OF_DCC in facts.endings


def was_instructed(facts: PlanFacts) -> bool:
    """Whether anything was instructed of the hub by whoever looks, by DCC, or (for CSPs and DCC) by anybody."""
    seen = (one for one in facts.instructions if facts.viewer is None or one.supplier in suppliers_seen(facts))
    return facts.batch is not None or any(seen) or _had_instructed(facts)
