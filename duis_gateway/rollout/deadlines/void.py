"""Which hubs were instructed and are moved by it no more: counted for whoever is to instruct them anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
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


def void_hubs(
    connection: Connection, release: Release, scope: Scope, now: datetime
) -> Mapping[int, Mapping[VoidReason, int]]:
    """Count the hubs of an estate, by who instructed them (a supplier, or `DCC`) and why that moves them no more."""
    shared = plans.of_release(connection, release, now)
    found: defaultdict[int, Counter[VoidReason]] = defaultdict(Counter)
    for chunk in estate.touched(connection, scope, [release]):
        for facts, device_ids in plans.kinds(connection, shared, [hub.device_id for hub in chunk]):
            plan = plan_hub(facts)
            if plan.basis is Basis.AUTOMATIC_DATE and plan.void in VOID_OF_INSTRUCTIONS:
                for who in _who(facts, plan.void):
                    found[who][plan.void] += len(device_ids)
    for chunk in estate.ended(connection, scope, release):
        for facts in plans.of_hubs(connection, shared, chunk):
            if plan_hub(facts).basis is Basis.AUTOMATIC_DATE:
                for supplier in facts.hub.suppliers:
                    reason = ended_void(facts, supplier)
                    if reason in VOID_OF_INSTRUCTIONS:
                        found[supplier][reason] += 1
    return found


def _who(facts: PlanFacts, reason: VoidReason) -> Iterator[int]:
    """Yield those whose instruction is void; one that still waits for the other supplier's is not."""
    late = reason in (VoidReason.TOO_LATE, VoidReason.PERIOD_ENDED)
    for supplier in facts.hub.suppliers:
        own = any(one.supplier == supplier and not one.by_dcc for one in facts.instructions)
        if own and (late or not instructs(facts, supplier)):
            yield supplier
    if facts.batch is not None or any(one.by_dcc for one in facts.instructions):
        yield DCC
