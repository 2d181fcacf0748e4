"""Hubs of the inventory change, by ESI or by the operator's file: what that does is told (X06, X09).

Plans and alerts look at who is responsible when they are made, so that a former supplier's instruction no longer
counts: what that means for the plan of the hubs is told, and what it means for the second supplier of a split hub
(N73). What suppliers were told of a hub's version stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.replan import lock_releases_of, replan_hubs
from duis_gateway.rollout.second_suppliers.handle import alerts_on_changes, lost_by_former_suppliers


@dataclass(frozen=True, slots=True)
class Before:
    """The hubs as they are before a change, and the device models that they have or get."""

    known: Mapping[int, Hub]
    models: frozenset[tuple[str, str]]

    def differs(self, hub: Hub) -> bool:
        """Whether the inventory has the hub otherwise, or not yet."""
        was = self.known.get(hub.device_id)
        return was is None or replace(was, told_version=hub.told_version, completed_at=hub.completed_at) != hub


def look(moment: Moment, given: Collection[Hub]) -> Before:
    """Look hubs up that are about to change, and let nobody else decide about the releases for their models."""
    ids = [hub.device_id for hub in given]
    models = hubs.models_of(moment.conn, ids).union((hub.manufacturer, hub.model) for hub in given)
    lock_releases_of(moment, models)
    return Before(hubs.get_many(moment.conn, ids), models)


def change(moment: Moment, given: Iterable[Hub], before: Before) -> None:
    """Write those of the hubs that change, each given once, and tell what that does."""
    changed = [hub for hub in given if before.differs(hub)]
    were = [(was, hub) for hub in changed if (was := before.known.get(hub.device_id)) is not None]
    freshness.of_change(moment.conn, were, moment.now)
    other_suppliers = [(was, hub) for was, hub in were if was.suppliers != hub.suppliers]
    if other_suppliers:
        moment.send(alerts_on_changes(other_suppliers, moment))
    hubs.upsert(moment.conn, changed, moment.now)
    ids = [hub.device_id for hub in changed]
    replan_hubs(moment, before.models, ids, lost=lambda one: lost_by_former_suppliers(one, other_suppliers, moment))
