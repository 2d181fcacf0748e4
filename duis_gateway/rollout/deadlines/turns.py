"""Whose turn it is with hubs that somebody instructed and that nothing but the automatic date moves: counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
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
from duis_gateway.rollout.plans.rules import Basis, plan_hub, waiting
from duis_gateway.rollout.plans.void import HALVES, of_ones_own
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
        not_asked_for: by supplier, hubs that no instruction of its names and that it is not to be asked for: they are
            in `given` or `awaited`, or another release moves them.
        awaited_until: by supplier, when the first of these instructions of the other's ends.
    """

    given: Mapping[int, Mapping[VoidReason, int]] = field(default_factory=dict)
    chosen: Mapping[int, int] = field(default_factory=dict)
    awaited: Mapping[int, int] = field(default_factory=dict)
    awaited_until: Mapping[int, datetime] = field(default_factory=dict)
    not_asked_for: Mapping[int, Set[int]] = field(default_factory=dict)


def turns(connection: Connection, release: Release, scope: Scope, now: datetime) -> Turns:
    """Count the hubs of an estate that were instructed and that nothing but the automatic date moves now.

    What is planned under another release is nobody's turn under this one.
    """
    others = _others(connection, release, now)
    if release.state is ReleaseState.INVALIDATED:
        return Turns(_of_some(_invalidated(connection, release, scope, others, now)))
    if not release.state.is_live:
        return Turns()
    shared = plans.of_release(connection, release, now)
    found: defaultdict[int, Counter[VoidReason]] = defaultdict(Counter)
    chosen: Counter[int] = Counter()
    awaited: Counter[int] = Counter()
    until: dict[int, datetime] = {}
    not_asked_for: defaultdict[int, set[int]] = defaultdict(set)
    for chunk in estate.touched(connection, scope, [release, *(one.release for one in others)]):
        ids = [hub.device_id for hub in chunk]
        elsewhere = _planned_under(connection, others, ids)
        protectors = protection.protectors(connection, ids)
        for facts, every in plans.kinds(connection, shared, ids, ended=True):
            plan = plan_hub(facts)
            if plan.basis is not Basis.AUTOMATIC_DATE:
                continue
            for supplier in _naming_nothing(facts):
                moved = (one for one in elsewhere.intersection(every) if supplier not in protectors.get(one, ()))
                not_asked_for[supplier].update(moved)
            device_ids = [one for one in every if one not in elsewhere]
            if plan.void in VOID_OF_INSTRUCTIONS:
                for who in _who(facts, plan.void):
                    found[who][_to(who, facts, plan.void)] += len(device_ids)
            elif plan.void in HALVES:
                for who in _ended_alone(facts):
                    found[who][VoidReason.PERIOD_ENDED] += len(device_ids)
            for who, reason in dict(_ended(facts)).items():
                unprotected = [one for one in device_ids if who not in protectors.get(one, ())]
                found[who][reason] += len(unprotected)
                not_asked_for[who].update(unprotected)
            waiting_for = dict(_awaited(facts))
            for supplier, end in waiting_for.items():
                unprotected = [one for one in device_ids if supplier not in protectors.get(one, ())]
                if unprotected:
                    awaited[supplier] += len(unprotected)
                    until[supplier] = min(end, until.get(supplier, end))
                    not_asked_for[supplier].update(unprotected if supplier in _naming_nothing(facts) else ())
            for supplier in set(_chosen_in_vain(facts, plan.void)) - waiting_for.keys():
                chosen[supplier] += len(device_ids)
    return Turns(_of_some(found), chosen, awaited, until, not_asked_for)


def _of_some(found: Mapping[int, Mapping[VoidReason, int]]) -> Mapping[int, Mapping[VoidReason, int]]:
    """Leave out reasons for which no hub is left: there is nothing to do about none."""
    return {who: {why: hubs for why, hubs in reasons.items() if hubs} for who, reasons in found.items()}


def _naming_nothing(facts: PlanFacts) -> Set[int]:
    """Return the suppliers of a hub that no instruction of theirs names, and no choice of DCC's for them."""
    return facts.hub.suppliers - {one.supplier for one in facts.instructions} - facts.withheld


def _others(connection: Connection, release: Release, now: datetime) -> list[plans.ReleaseFacts]:
    """Return the other releases in flight for the model."""
    return [
        plans.of_release(connection, one, now)
        for one in releases.live(connection)
        if (one.manufacturer, one.model) == (release.manufacturer, release.model)
        and one.release_id != release.release_id
    ]


def _planned_under(connection: Connection, others: Iterable[plans.ReleaseFacts], ids: Iterable[int]) -> set[int]:
    """Return those of the hubs that one of these releases moves in a period of its own."""
    left, found = list(ids), set[int]()
    for other in others:
        for facts, members in plans.kinds(connection, other, left):
            if plan_hub(facts).basis in (Basis.INSTRUCTED, Basis.BATCH):
                found.update(members)
    return found


def _invalidated(
    connection: Connection, release: Release, scope: Scope, others: Iterable[plans.ReleaseFacts], now: datetime
) -> Mapping[int, Mapping[VoidReason, int]]:
    """Count what was instructed under a release whose pilot is invalidated, and is planned under no other one since.

    By why it is void: what was void before keeps its reason.
    """
    shared = plans.of_release(connection, release, now)
    found: defaultdict[int, Counter[VoidReason]] = defaultdict(Counter)
    for chunk in estate.touched(connection, scope, [release]):
        ids = {hub.device_id for hub in chunk}
        left = ids - _planned_under(connection, others, ids)
        for facts, device_ids in plans.kinds(connection, shared, left, ended=True):
            if plan_hub(facts).void is VoidReason.PILOT_INVALIDATED:
                for who, why in dict(_ended(facts)).items():
                    found[who][why] += len(device_ids)
    return found


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
