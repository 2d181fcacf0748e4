"""Whose turn it is with hubs that somebody instructed and that nothing but the automatic date moves: counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.rollout.deadlines.rules import VOID_OF_INSTRUCTIONS
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.hub_events.records import OF_DCC
from duis_gateway.rollout.periods import ends_before, is_over
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.counting import ended_void, instructs
from duis_gateway.rollout.plans.records import PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import Basis, HubPlan, plan_hub, waiting
from duis_gateway.rollout.plans.void import of_ones_own
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, ReleaseState

DCC = 0
"""Whoever stands for DCC among those who have instructed hubs: no party has this EUI-64."""


_LATE = frozenset({VoidReason.TOO_LATE, VoidReason.PERIOD_ENDED})
"""Why an instruction moves a hub no more that would do but for the time: of a split hub the joint one."""


@dataclass(frozen=True, slots=True)
class Turns:
    """How many hubs of an estate were instructed, and are not moved by it, or not any more.

    Attributes:
        given: by who instructed them (a supplier, or `DCC`), and why that moves them no more.
        chosen: by supplier, those that DCC alone had chosen on its behalf: it can still instruct them itself.
        awaited: by supplier, those that its instruction alone would bring into the plan, as the other's stands.
        awaited_until: by supplier, when the first of these instructions of the other's ends.
    """

    given: Mapping[int, Mapping[VoidReason, int]] = field(default_factory=dict)
    chosen: Mapping[int, int] = field(default_factory=dict)
    awaited: Mapping[int, int] = field(default_factory=dict)
    awaited_until: Mapping[int, datetime] = field(default_factory=dict)


def turns(connection: Connection, release: Release, scope: Scope, now: datetime) -> Turns:
    """Count the hubs of an estate that were instructed and that nothing but the automatic date moves now."""
    if release.state is ReleaseState.INVALIDATED:
        return Turns(_invalidated(connection, release, scope, now))
    if not release.state.is_live:
        return Turns()
    shared = plans.of_release(connection, release, now)
    found: defaultdict[int, Counter[VoidReason]] = defaultdict(Counter)
    chosen: Counter[int] = Counter()
    awaited: Counter[int] = Counter()
    until: dict[int, datetime] = {}
    for chunk in estate.touched(connection, scope, [release]):
        ids = [hub.device_id for hub in chunk]
        protectors = protection.protectors(connection, ids)
        for facts, device_ids in plans.kinds(connection, shared, ids, ended=True):
            plan = plan_hub(facts)
            if plan.basis is not Basis.AUTOMATIC_DATE:
                continue
            if plan.void in VOID_OF_INSTRUCTIONS:
                for who in _who(facts, plan.void):
                    found[who][_to(who, facts, plan.void)] += len(device_ids)
            elif plan.void is VoidReason.AWAITS_SECOND_SUPPLIER:
                for who in _ended_alone(facts):
                    found[who][VoidReason.PERIOD_ENDED] += len(device_ids)
            for who, reason in dict(_ended(facts)).items():
                found[who][reason] += len(device_ids)
            for supplier, end in _awaited(facts):
                unprotected = [one for one in device_ids if supplier not in protectors.get(one, ())]
                if unprotected:
                    awaited[supplier] += len(unprotected)
                    until[supplier] = min(end, until.get(supplier, end))
            for supplier in _chosen_in_vain(facts, plan.void):
                chosen[supplier] += len(device_ids)
    return Turns(found, chosen, awaited, until)


def _invalidated(
    connection: Connection, release: Release, scope: Scope, now: datetime
) -> Mapping[int, Mapping[VoidReason, int]]:
    """Count what was instructed under a release whose pilot is invalidated, and is planned under no other one since.

    By why it is void: what was void before keeps its reason.
    """
    others = [
        plans.of_release(connection, one, now)
        for one in releases.live(connection)
        if (one.manufacturer, one.model) == (release.manufacturer, release.model)
    ]
    shared = plans.of_release(connection, release, now)
    found: defaultdict[int, Counter[VoidReason]] = defaultdict(Counter)
    for chunk in estate.touched(connection, scope, [release]):
        left = [hub.device_id for hub in chunk]
        for other in others:
            kinds = plans.kinds(connection, other, left)
            left = [one for facts, ids in kinds if not _has_its_own(plan_hub(facts)) for one in ids]
        for facts, device_ids in plans.kinds(connection, shared, left, ended=True):
            if plan_hub(facts).void is VoidReason.PILOT_INVALIDATED:
                for who, why in dict(_ended(facts)).items():
                    found[who][why] += len(device_ids)
    return found


def _has_its_own(plan: HubPlan) -> bool:
    return plan.basis in (Basis.INSTRUCTED, Basis.BATCH, Basis.ACTIVE)


def _awaited(facts: PlanFacts) -> Iterator[tuple[int, datetime]]:
    """Yield the second supplier of a split hub that the other alone has instructed, in time, if it has not at all.

    And when the other's ends: from then on there is nothing to go with.
    """
    one = waiting(facts)
    if one is None or is_over(one.counting_period, facts.at):
        return
    if ends_before(one.counting_period, facts.release.automatic_date):
        instructed = {given.supplier for given in facts.instructions if not given.by_dcc}
        for second in facts.hub.suppliers - instructed - {one.supplier} - dict(_ended(facts)).keys():
            yield second, one.counting_period.end


def _ended(facts: PlanFacts) -> Iterator[tuple[int, VoidReason]]:
    """Yield whose instruction something has ended, as a revision, and why; none stands in its place.

    What DCC chose on a supplier's behalf was DCC's.
    """
    for supplier in facts.hub.suppliers:
        reason = ended_void(facts, supplier)
        if reason in VOID_OF_INSTRUCTIONS:
            yield DCC if facts.endings[supplier].by_dcc else supplier, reason
    of_batch = ended_void(facts, OF_DCC)
    if of_batch in VOID_OF_INSTRUCTIONS:
        yield DCC, of_batch


def _ended_alone(facts: PlanFacts) -> Iterator[int]:
    """Yield the suppliers of a split hub whose period ended before the other instructed: nothing else is against it."""
    for supplier in facts.hub.suppliers:
        own = any(one.supplier == supplier and not one.by_dcc for one in facts.instructions)
        if own and not instructs(facts, supplier):
            yield supplier


def _who(facts: PlanFacts, reason: VoidReason) -> Iterator[int]:
    """Yield those whose instruction is void; one that still waits for the other supplier's is not."""
    for supplier in facts.hub.suppliers:
        own = any(one.supplier == supplier and not one.by_dcc for one in facts.instructions)
        if own and (reason in _LATE or not instructs(facts, supplier)):
            yield supplier
    if facts.batch is not None or any(one.by_dcc for one in facts.instructions):
        yield DCC


def _to(who: int, facts: PlanFacts, reason: VoidReason) -> VoidReason:
    return of_ones_own(facts, who, reason) if reason is VoidReason.REFUSED_BY_CSP else reason


def _chosen_in_vain(facts: PlanFacts, reason: VoidReason | None) -> Iterator[int]:
    """Yield the suppliers for which DCC chose the hub, and which have not instructed it, where that moves it not."""
    for supplier in facts.hub.suppliers:
        given = [one for one in facts.instructions if one.supplier == supplier]
        if given and all(one.by_dcc for one in given) and (reason in _LATE or not instructs(facts, supplier)):
            yield supplier
