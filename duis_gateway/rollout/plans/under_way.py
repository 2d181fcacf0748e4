"""Which hubs of a supplier's groups move already, so that no request of the supplier's can take them back."""

from __future__ import annotations

from collections.abc import Iterable

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import GroupName
from duis_gateway.rollout.plans.rules import is_under_way
from duis_gateway.rollout.releases.records import Instruction, Release


def under_way(moment: Moment, release: Release, supplier: int, groups: Iterable[Instruction]) -> frozenset[int]:
    """Return the hubs of these standing groups of the supplier's whose planned period has begun."""
    given = tuple(groups)
    ids = {device_id for group in given for device_id in group.device_ids}
    if not ids:
        return frozenset()
    names = {GroupName(group.group_id, group.stage) for group in given}
    shared = plans.of_release(moment.conn, release, moment.now)
    kinds = plans.kinds(moment.conn, shared, ids)
    return frozenset(d for facts, members in kinds if is_under_way(facts, supplier, names) for d in members)
