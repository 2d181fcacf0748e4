"""Split hubs that one supplier alone has instructed: nothing is planned, and it is told when that ends (BR-3.3).

As nothing was planned, the plan before and the plan after do not differ then; nothing else would say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.periods import instruction_in_time, is_over
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans import told, untold
from duis_gateway.rollout.plans.counting import last_to_end
from duis_gateway.rollout.plans.groups import without_group
from duis_gateway.rollout.plans.records import GroupName, Lost, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub, stays_alone, waiting
from duis_gateway.rollout.plans.telling import Bulletin, Listeners
from duis_gateway.rollout.plans.void import void_already
from duis_gateway.rollout.releases.records import Release

HUBS_AT_ONCE = 50_000


def tell_ended(release: Release, moment: Moment) -> Mapping[int, frozenset[int]]:
    """Tell suppliers of their instructions that have just ended without the second supplier's (N77); return the hubs.

    The others were told nothing of a plan, and are told nothing of its end. Where a joint plan goes on, what is shown
    of it changes all the same: the CSP is not asked any more about the half that is over.
    """
    ends = told.ends_passed(moment.conn, release.release_id, moment.now)
    ids = untold.named_until(moment.conn, release.release_id, ends, split=True)
    freshness.of_hubs(moment.conn, ids, moment.now)
    listeners, bulletin = Listeners(moment), Bulletin()
    shared = plans.of_release(moment.conn, release, moment.now)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for start in range(0, len(ids), HUBS_AT_ONCE):
        kinds = plans.kinds(moment.conn, shared, ids[start : start + HUBS_AT_ONCE])
        # Another instruction of the same supplier's may count now, whose end was not looked at as long as this one did.
        untold.watch(moment, release, [facts for facts, _ in kinds])
        for facts, members in kinds:
            half = waiting(facts)
            if half is None or plan_hub(facts).period is not None:
                continue
            one = last_to_end(facts, half.supplier)
            if one is None or one.counting_period.end not in ends:
                continue
            found[one.supplier].update(members)
            bulletin.add({one.supplier: VoidReason.PERIOD_ENDED}, members)
            if not one.by_dcc:
                bulletin.groups[one.supplier].update(dict.fromkeys(members, GroupName(one.group_id, one.stage)))
    moment.send(bulletin.sends(release, listeners, moment))
    return {supplier: frozenset(members) for supplier, members in sorted(found.items())}


def halves_in_vain(
    connection: Connection, release: Release, now: datetime, only: Collection[int] | None = None
) -> Iterator[int]:
    """Yield the split hubs of which one supplier's group alone stands, and the other's cannot come in time any more.

    `only`: of these hubs; None: of all.
    """
    if instruction_in_time(now, release.automatic_date):
        return
    shared = plans.of_release(connection, release, now)
    ids = untold.split_in_groups(connection, release.release_id) if only is None else sorted(only)
    for start in range(0, len(ids), HUBS_AT_ONCE):
        for facts, members in plans.kinds(connection, shared, ids[start : start + HUBS_AT_ONCE]):
            if stays_alone(facts):
                yield from members


def lost_with_the_release(moment: Moment, before: Release, reason: VoidReason) -> Lost:
    """Return what suppliers had instructed, and no plan that was told rests on, of a release that ends now.

    One half of a split hub, whose period is not over, or what a pause holds: nothing else would say that it is void. Of
    a half that waits while DCC's batch moves the hub, nothing else would name the group.

    Args:
        moment: the transaction; what stood is still there.
        before: the release as it stood until now.
        reason: why it is void.
    """
    own: defaultdict[int, dict[int, VoidReason]] = defaultdict(dict)
    chosen: defaultdict[int, set[int]] = defaultdict(set)
    shared = plans.of_release(moment.conn, before, moment.now)
    for chunk in told.concerned(moment.conn, before.release_id, named=True, size=HUBS_AT_ONCE):
        for facts, members in plans.kinds(moment.conn, shared, chunk):
            apart = frozenset(without_group(facts, by_dcc=plan_hub(facts).by_dcc))
            for supplier in _losing(facts):
                own[supplier].update(dict.fromkeys(members, reason))
                if supplier in apart:
                    chosen[supplier].update(members)
    reasons = {device_id: reason for theirs in own.values() for device_id in theirs}
    return Lost(reasons, own, {supplier: frozenset(ids) for supplier, ids in chosen.items()})


@dataclass(frozen=True, order=True, slots=True)
class VoidBefore:
    """Why hubs of a supplier's own groups, or of DCC's choice for it, were void before their release ended."""

    supplier: int
    own: bool
    reason: VoidReason


def void_before(moment: Moment, before: Release) -> Mapping[VoidBefore, frozenset[int]]:
    """Return the hubs of a release that ends now for which instructions were void already: they stay so.

    Of each supplier what DCC chose for it comes first, so that its own counts as its last.
    """
    found: defaultdict[VoidBefore, set[int]] = defaultdict(set)
    shared = plans.of_release(moment.conn, before, moment.now)
    for chunk in told.concerned(moment.conn, before.release_id, named=True, size=HUBS_AT_ONCE):
        for facts, members in plans.kinds(moment.conn, shared, chunk, ended=True):
            given = {(one.supplier, one.by_dcc) for one in facts.instructions}
            given.update((one, by_dcc) for one in facts.withheld for by_dcc in (True, False))
            for supplier, by_dcc in given:
                reason = void_already(facts, supplier, by_dcc=by_dcc)
                if reason is not None:
                    found[VoidBefore(supplier, not by_dcc, reason)].update(members)
    return {key: frozenset(members) for key, members in sorted(found.items())}


def _losing(facts: PlanFacts) -> Collection[int]:
    """Return the suppliers whose instruction stands, and on which no plan that is told just now rests."""
    plan, one = plan_hub(facts), waiting(facts)
    if plan.period is not None and plan.held:
        return facts.hub.suppliers
    return () if one is None or is_over(one.counting_period, facts.at) else (one.supplier,)
