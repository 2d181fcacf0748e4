"""Which hubs of a supplier's groups move already, so that no request of the supplier's can take them back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.counting import going_on_since
from duis_gateway.rollout.plans.records import GroupName
from duis_gateway.rollout.plans.rules import has_begun, has_passed, is_under_way
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases.records import Instruction, Release


@dataclass(frozen=True, slots=True)
class Course:
    """How far hubs of standing groups have come.

    Attributes:
        under_way: those whose planned period has begun.
        over: those whose period has ended, of a split hub the joint one: nothing is left to be taken back.
    """

    under_way: frozenset[int] = frozenset()
    over: frozenset[int] = frozenset()


def under_way(moment: Moment, release: Release, supplier: int, groups: Iterable[Instruction]) -> frozenset[int]:
    """Return the hubs of these standing groups of the supplier's whose planned period has begun."""
    return course(moment, release, supplier, groups).under_way


def course(moment: Moment, release: Release, supplier: int, groups: Iterable[Instruction]) -> Course:
    """Return how far the hubs of these standing groups of the supplier's have come."""
    given = tuple(groups)
    ids = frozenset(device_id for group in given for device_id in group.device_ids)
    if not ids:
        return Course()
    names = {GroupName(group.group_id, group.stage) for group in given}
    shared = plans.of_release(moment.conn, release, moment.now)
    kinds = plans.kinds(moment.conn, shared, ids)
    paused = history.paused_since(moment.conn, release)
    moving = ids if paused is None else events.under_way(moment.conn, release.release_id, ids)
    under_way = (d for facts, members in kinds if is_under_way(facts, supplier, names, paused) for d in members)
    return Course(
        moving & frozenset(under_way),
        frozenset(d for facts, members in kinds if has_passed(facts, supplier) for d in members),
    )


def begun(moment: Moment, release: Release, ids: Iterable[int]) -> frozenset[int]:
    """Return those of the hubs that move already, by whatever plan: suppliers' groups, DCC's choice, or its batch."""
    given: Iterable[int] = tuple(ids)
    paused = history.paused_since(moment.conn, release)
    if paused is None:  # what is not told to be planned has not begun
        planned = told.told(moment.conn, release.release_id, given)
        given = [device_id for device_id, hub in planned.items() if hub.plan.period.start <= moment.now]
    else:  # nothing has begun since, whatever it was moved to
        given = events.under_way(moment.conn, release.release_id, given)
    if not given:
        return frozenset()
    shared = plans.of_release(moment.conn, release, moment.now)
    kinds = plans.kinds(moment.conn, shared, given)
    return frozenset(d for facts, members in kinds if has_begun(facts, paused) for d in members)


def instructed_since(moment: Moment, release: Release, supplier: int, ids: Iterable[int]) -> dict[int, datetime]:
    """Return from when the supplier has instructed hubs without a gap, or DCC for it; of those that it instructs now.

    What is sent now goes on with that, so that no joint plan ends by a group that is sent again (BR-4.2).
    """
    given = tuple(ids)
    if not given:
        return {}
    shared = plans.of_release(moment.conn, release, moment.now)
    found: dict[int, datetime] = {}
    for facts, members in plans.kinds(moment.conn, shared, given):
        since = going_on_since(facts, supplier)
        if since is not None:
            found.update(dict.fromkeys(members, since))
    return found
