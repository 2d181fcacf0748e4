"""What the hubs' own rows make void, or no longer, of what was instructed and no told plan rests on: told now (X09).

One half of a split hub waits, a pause holds what was instructed, or it is over. Where the inventory then has the hub
as one to which the release may not be applied, or may be again, all are shown another reason from then on; the plan
before and the plan after do not differ, and nothing else would say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.eligibility import unfit
from duis_gateway.rollout.hub_events.records import OF_DCC
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.groups import note_groups
from duis_gateway.rollout.plans.records import PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.telling import Bulletin, Listeners
from duis_gateway.rollout.plans.void import void_of, was_instructed
from duis_gateway.rollout.releases.records import Release


def tell_changed(moment: Moment, release: Release, before: Mapping[int, Hub]) -> None:
    """Tell whoever is shown another reason of these hubs from now on than it was by how they were before."""
    if not before:
        return
    shared = plans.of_release(moment.conn, release, moment.now)
    listeners, bulletin, told = Listeners(moment), Bulletin(), []
    for facts, members in plans.kinds(moment.conn, shared, before, ended=True):
        if not (facts.instructions or facts.endings or facts.batch or facts.withheld):
            continue  # nothing was instructed, as of most hubs
        for was, alike in _by_row(members, before):
            news = _news(replace(facts, hub=was), facts, listeners)
            bulletin.add(news, alike)
            told += alike if news else []
    note_groups(bulletin, moment, release, told)
    moment.send(bulletin.sends(release, listeners, moment))


def _by_row(members: list[int], before: Mapping[int, Hub]) -> Iterator[tuple[Hub, list[int]]]:
    """Yield those of the hubs that were alike, with how they were; it has no identifier."""
    found: defaultdict[Hub, list[int]] = defaultdict(list)
    for device_id in members:
        row = replace(before[device_id], device_id=0, told_version=None, completed_at=None, gpf_device_id=None)
        found[row].append(device_id)
    yield from found.items()


def _news(before: PlanFacts, after: PlanFacts, listeners: Listeners) -> dict[int, VoidReason]:
    """Return why the hub is void now, for each party that had it before, too, and that was shown something else.

    Where a plan was told, or is now, all are told that by the comparison of the two.
    """
    was, now = before.hub, after.hub
    if unfit(was, before.release) is unfit(now, after.release):
        return {}
    if not all(isinstance(plan_hub(one).told, VoidReason) for one in (before, after)):
        return {}
    parties: dict[int, int | None] = {one: one for one in was.suppliers & now.suppliers}
    if not (was.suppliers or now.suppliers):
        parties[OF_DCC] = None
    parties |= dict.fromkeys(listeners.partners_in(was.csp_region) & listeners.partners_in(now.csp_region))
    seen = {viewer: (_shown(before, viewer), _shown(after, viewer)) for viewer in set(parties.values())}
    return {
        party: void
        for party, viewer in sorted(parties.items())
        for shown, void in [seen[viewer]]
        if void is not None and void is not shown
    }


def _shown(facts: PlanFacts, viewer: int | None) -> VoidReason | None:
    """Return why the hub is void to whoever had instructed it; its second supplier knows by N73 what it waits for."""
    seen = replace(facts, viewer=viewer)
    return void_of(seen, plan_hub(seen)) if was_instructed(seen) else None
