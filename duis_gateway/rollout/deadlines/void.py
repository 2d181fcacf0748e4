"""Which hubs were instructed and are moved by it no more: counted for whoever is to instruct them anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.rollout.deadlines.rules import VOID_OF_INSTRUCTIONS
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import Basis, ended_void, instructs, plan_hub
from duis_gateway.rollout.releases.records import Release

DCC = 0
"""Whoever stands for DCC among those who have instructed hubs: no party has this EUI-64."""


_LATE = frozenset({VoidReason.TOO_LATE, VoidReason.PERIOD_ENDED})
"""Why an instruction moves a hub no more that would do but for the time: of a split hub the joint one."""


@dataclass(frozen=True, slots=True)
class VoidHubs:
    """How many hubs of an estate were instructed, and are not moved by it any more.

    Attributes:
        given: by who instructed them (a supplier, or `DCC`), and why that moves them no more.
        chosen: by supplier, those that DCC alone had chosen on its behalf: it can still instruct them itself.
    """

    given: Mapping[int, Mapping[VoidReason, int]] = field(default_factory=dict)
    chosen: Mapping[int, int] = field(default_factory=dict)


def void_hubs(connection: Connection, release: Release, scope: Scope, now: datetime) -> VoidHubs:
    """Count the hubs of an estate that were instructed and that nothing but the automatic date moves now."""
    shared = plans.of_release(connection, release, now)
    found: defaultdict[int, Counter[VoidReason]] = defaultdict(Counter)
    chosen: Counter[int] = Counter()
    for chunk in estate.touched(connection, scope, [release]):
        for facts, device_ids in plans.kinds(connection, shared, [hub.device_id for hub in chunk]):
            plan = plan_hub(facts)
            if plan.basis is not Basis.AUTOMATIC_DATE:
                continue
            if plan.void in VOID_OF_INSTRUCTIONS:
                for who in _who(facts, plan.void):
                    found[who][plan.void] += len(device_ids)
            elif plan.void is VoidReason.AWAITS_SECOND_SUPPLIER:
                for who in _ended_alone(facts):
                    found[who][VoidReason.PERIOD_ENDED] += len(device_ids)
            for supplier in _chosen_in_vain(facts, plan.void):
                chosen[supplier] += len(device_ids)
    for chunk in estate.ended(connection, scope, release):
        for facts in plans.of_hubs(connection, shared, chunk):
            if plan_hub(facts).basis is Basis.AUTOMATIC_DATE:
                for supplier in facts.hub.suppliers:
                    reason = ended_void(facts, supplier)
                    if reason in VOID_OF_INSTRUCTIONS:
                        found[supplier][reason] += 1
    return VoidHubs(found, chosen)


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


def _chosen_in_vain(facts: PlanFacts, reason: VoidReason | None) -> Iterator[int]:
    """Yield the suppliers for which DCC chose the hub, and which have not instructed it, where that moves it not."""
    for supplier in facts.hub.suppliers:
        given = [one for one in facts.instructions if one.supplier == supplier]
        if given and all(one.by_dcc for one in given) and (reason in _LATE or not instructs(facts, supplier)):
            yield supplier
