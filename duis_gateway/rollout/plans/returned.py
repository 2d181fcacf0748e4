"""Hubs that a release may be applied to again, and whose period ended in the meantime: told now (X09).

While a hub is not commissioned, or is otherwise not one for the release, it is planned for nothing, so that time ends
nothing of it. It is void for that reason, and would be void as over from its return on without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.eligibility import fits
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.counting import over_since
from duis_gateway.rollout.plans.groups import note_groups
from duis_gateway.rollout.plans.records import PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.telling import Bulletin, Listeners
from duis_gateway.rollout.plans.void import void_of
from duis_gateway.rollout.releases.records import Release

_ENDED = VoidReason.PERIOD_ENDED


def tell_ended(moment: Moment, release: Release, ids: Iterable[int], before: Mapping[int, Hub]) -> None:
    """Tell of the hubs that are back, by how they were before, whose period is over, to whom that is news."""
    back = [one for one in ids if (was := before.get(one)) is not None and not fits(was, release)]
    if not back:
        return
    shared = plans.of_release(moment.conn, release, moment.now)
    heads = events.told_void(moment.conn, release.release_id, _ENDED)
    known = events.told_void_of(moment.conn, heads, back)
    listeners, bulletin, told = Listeners(moment), Bulletin(), []
    for facts, members in plans.kinds(moment.conn, shared, back, ended=True):
        if not fits(facts.hub, release):
            continue
        over = {one: since for one in facts.hub.suppliers if (since := _over(facts, one)) is not None}
        of_all = _over(facts, None)
        for device_id in members:
            heard = known.get(device_id, {})
            to = {one for one, since in over.items() if one not in heard or heard[one] < since}
            if of_all is not None and (to or not over):
                to |= listeners.partners_in(facts.hub.csp_region)
            if to:
                bulletin.add(dict.fromkeys(to, _ENDED), (device_id,))
                told.append(device_id)
    note_groups(bulletin, moment, release, told)
    moment.send(bulletin.sends(release, listeners, moment))


def _over(facts: PlanFacts, viewer: int | None) -> datetime | None:
    """Return since when what was instructed is over, where that is why the viewer is shown the hub as void."""
    seen = replace(facts, viewer=viewer)
    return over_since(seen) if void_of(seen, plan_hub(seen)) is _ENDED else None
