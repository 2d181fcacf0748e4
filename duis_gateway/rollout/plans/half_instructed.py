"""Split hubs that one supplier alone has instructed: nothing is planned, and it is told when that ends (BR-3.3).

As nothing was planned, the plan before and the plan after do not differ then; nothing else would say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, exists, or_, select, union

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.eligibility import split_sql
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.records import GroupName, Lost, PlanBasis, PlanFacts, PlanStanding, ToldPlan, VoidReason
from duis_gateway.rollout.plans.rules import Basis, plan_hub, waiting
from duis_gateway.rollout.plans.telling import Bulletin, Listeners
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.rollout_tables import piece_say, pilot_selection, selected_hub
from duis_gateway.store.tables import group_say, hub, instruction, instruction_hub

HUBS_AT_ONCE = 50_000


def watch(moment: Moment, release: Release, every: Iterable[PlanFacts]) -> None:
    """Have the ends looked at of the periods that wait for a second supplier, as those of plans are."""
    found = {
        ToldPlan(one.stage, PlanBasis.SUPPLIERS, PlanStanding.REQUESTED, one.counting_period)
        for one in map(waiting, every)
        if one is not None and one.counting_period.end > moment.now
    }
    if found:
        told.watch(moment.conn, release.release_id, found)


def tell_ended(release: Release, moment: Moment) -> Mapping[int, frozenset[int]]:
    """Tell suppliers of their instructions that have just ended without the second supplier's (N77); return the hubs.

    The others were told nothing of a plan, and are told nothing of its end.
    """
    ends = told.ends_passed(moment.conn, release.release_id, moment.now)
    ids = _split_hubs(moment.conn, release.release_id, ends)
    listeners, bulletin = Listeners(moment), Bulletin()
    shared = plans.of_release(moment.conn, release, moment.now)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for start in range(0, len(ids), HUBS_AT_ONCE):
        for facts, members in plans.kinds(moment.conn, shared, ids[start : start + HUBS_AT_ONCE]):
            one = waiting(facts)
            if one is None or one.counting_period.end not in ends or plan_hub(facts).basis is not Basis.AUTOMATIC_DATE:
                continue
            found[one.supplier].update(members)
            bulletin.add({one.supplier: VoidReason.PERIOD_ENDED}, members)
            if not one.by_dcc:
                bulletin.groups[one.supplier].update(dict.fromkeys(members, GroupName(one.group_id, one.stage)))
    moment.send(bulletin.sends(release, listeners, moment))
    return {supplier: frozenset(members) for supplier, members in sorted(found.items())}


def lost_with_the_release(moment: Moment, before: Release, reason: VoidReason) -> Lost:
    """Return what suppliers had instructed, and no plan that was told rests on, of a release that ends now.

    One half of a split hub, whose period is not over, or what a pause holds: nothing else would say that it is void.

    Args:
        moment: the transaction; what stood is still there.
        before: the release as it stood until now.
        reason: why it is void.
    """
    own: defaultdict[int, dict[int, VoidReason]] = defaultdict(dict)
    shared = plans.of_release(moment.conn, before, moment.now)
    for chunk in told.concerned(moment.conn, before.release_id, named=True, size=HUBS_AT_ONCE):
        for facts, members in plans.kinds(moment.conn, shared, chunk):
            for supplier in _untold(facts):
                own[supplier].update(dict.fromkeys(members, reason))
    return Lost({device_id: reason for theirs in own.values() for device_id in theirs}, own)


def _untold(facts: PlanFacts) -> Collection[int]:
    """Return the suppliers whose instruction stands, and of which no plan is told just now."""
    plan = plan_hub(facts)
    if plan.period is not None:
        return facts.hub.suppliers if plan.held else ()
    one = waiting(facts)
    return () if one is None or one.counting_period.end <= facts.at else (one.supplier,)


def _split_hubs(connection: Connection, release_id: str, ends: Collection[datetime]) -> list[int]:
    """Return the hubs of two suppliers in what was instructed, or fixed by a CSP, until one of these moments."""
    if not ends:
        return []
    of_group = exists().where(group_say.c.instruction_id == instruction.c.id, group_say.c.ends.in_(ends))
    of_piece = exists().where(piece_say.c.instruction_id == instruction.c.id, piece_say.c.ends.in_(ends))
    split = split_sql()
    instructed = (
        select(hub.c.device_id)
        .join(instruction_hub, instruction_hub.c.device_id == hub.c.device_id)
        .join(instruction, instruction.c.id == instruction_hub.c.instruction_id)
        .where(instruction.c.release_id == release_id, split, or_(instruction.c.ends.in_(ends), of_group, of_piece))
    )
    chosen = (
        select(hub.c.device_id)
        .join(selected_hub, selected_hub.c.device_id == hub.c.device_id)
        .join(pilot_selection, pilot_selection.c.id == selected_hub.c.selection_id)
        .where(pilot_selection.c.release_id == release_id, split, pilot_selection.c.ends.in_(ends))
    )
    return sorted(connection.execute(union(instructed, chosen)).scalars())
