"""Hubs whose period ends while the release is paused: it could not be used, and that it is over is told (BR-6.5).

It was told as void when the pause began, or was never told as it was instructed during the pause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.periods import just_before
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans import told, untold
from duis_gateway.rollout.plans.groups import note_groups, without_group
from duis_gateway.rollout.plans.half_instructed import HUBS_AT_ONCE
from duis_gateway.rollout.plans.records import PlanFacts, ToldHub, ToldPlan
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.telling import Bulletin, Listeners
from duis_gateway.rollout.plans.void import of_parties
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases.records import Release


def tell_ended(release: Release, moment: Moment) -> None:
    """Tell of the hubs that were planned until a moment which has come in a pause, and are not planned any more."""
    passed = told.ends_passed(moment.conn, release.release_id, moment.now)
    ends = sorted(end for end in passed if history.was_paused(moment.conn, release.release_id, end))
    ids = untold.named_until(moment.conn, release.release_id, ends)
    if not ids:
        return
    listeners, bulletin = Listeners(moment), Bulletin()
    shared = plans.of_release(moment.conn, release, moment.now)
    for start in range(0, len(ids), HUBS_AT_ONCE):
        kinds = plans.kinds(moment.conn, shared, ids[start : start + HUBS_AT_ONCE], ended=True)
        # What counts now, as what counted before it is over, was not looked at when it came.
        untold.watch(moment, release, [facts for facts, _ in kinds])
        for facts, members in kinds:
            now, was = plan_hub(facts), next((one for one in map(partial(_just_before, facts), ends) if one), None)
            if now.period is not None or was is None:
                continue
            told_of, own = of_parties(facts)
            bulletin.add({one: own.get(one, told_of) for one in listeners.of(facts.hub)}, members)
            by_dcc = plan_hub(was).by_dcc
            without = dict.fromkeys(without_group(was, by_dcc=by_dcc), frozenset(members))
            note_groups(bulletin, moment, release, members, members if by_dcc else (), without)
    moment.send(bulletin.sends(release, listeners, moment))


def held_plans(moment: Moment, release: Release, ids: Iterable[int]) -> dict[int, ToldHub]:
    """Return what these hubs would be planned for if a release were not paused; nothing where it is not.

    Read before something is taken back: no plan is told of them, so that nothing else would say what is held no more.
    """
    if not release.paused:
        return {}
    shared, given, found = plans.of_release(moment.conn, release, moment.now), tuple(ids), dict[int, ToldHub]()
    for start in range(0, len(given), HUBS_AT_ONCE):
        for facts, members in plans.kinds(moment.conn, shared, given[start : start + HUBS_AT_ONCE]):
            plan, hub = replace(plan_hub(facts), held=False).told, facts.hub
            if isinstance(plan, ToldPlan):
                one = ToldHub(plan, hub.csp_region, hub.import_supplier, hub.gas_supplier)
                found.update(dict.fromkeys(members, one))
    return found


def _just_before(facts: PlanFacts, end: datetime) -> PlanFacts | None:
    """Return what the plan of a hub followed from just before a moment, None where that ended no plan."""
    before = replace(facts, at=just_before(end))
    period = plan_hub(before).period
    return before if period is not None and period.end == end else None
