"""Hubs of the inventory change, by ESI or by the operator's file: what that does is told (A04, A05, X06, X09).

Plans and alerts look at who is responsible when they are made, so that a former supplier's instruction no longer
counts: what that means for the plan of the hubs is told, and what it means for the second supplier of a split hub
(N73); and a hub's new CSP gets what was requested of it. What suppliers were told of a hub's version stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.hubs import freshness, pairs
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.replan import lock_releases_of, releases_of, replan_hubs
from duis_gateway.rollout.schedules.relocation import tell_csps
from duis_gateway.rollout.second_suppliers.handle import (
    alerts_on_changes,
    alerts_on_halves,
    halves,
    lost_by_former_suppliers,
)

_PAIRS = "hubs and their GPFs"
"""The subject of which one transaction decides at a time."""


@dataclass(frozen=True, slots=True)
class Before:
    """How it is before a change.

    Attributes:
        known: the hubs and their GPFs.
        hubs_of: the hub of each device that is one's GPF, or is to be.
        models: the device models that the hubs have or get.
    """

    known: Mapping[int, Hub]
    hubs_of: Mapping[int, Hub]
    models: frozenset[tuple[str, str]]

    def resolved(self, hub: Hub) -> Hub:
        """Return a hub as it is given with the GPF that it has from now on."""
        return pairs.resolved(hub, self.known.get(hub.device_id))

    def differs(self, hub: Hub) -> bool:
        """Whether the inventory has the hub otherwise, or not yet."""
        was = self.known.get(hub.device_id)
        return was is None or replace(was, told_version=hub.told_version, completed_at=hub.completed_at) != hub


def look(moment: Moment, given: Collection[Hub]) -> Before:
    """Look hubs up that are about to change, and let nobody else decide about the releases for their models."""
    ids = [hub.device_id for hub in given]
    models = hubs.models_of(moment.conn, ids).union((hub.manufacturer, hub.model) for hub in given)
    lock_releases_of(moment, models)
    known = hubs.get_many(moment.conn, ids)
    if not _gpfs(given, known):
        return Before(known, {}, models)
    moment.exclude_others(_PAIRS)  # two messages could give one GPF to two hubs
    known = hubs.get_many(moment.conn, ids)
    gpfs = _gpfs(given, known)
    known |= hubs.get_many(moment.conn, gpfs - known.keys())
    return Before(known, hubs.by_gpf(moment.conn, gpfs), models)


def _gpfs(given: Collection[Hub], known: Mapping[int, Hub]) -> set[int]:
    """Return the devices that are or may be GPFs of these hubs, or of others."""
    found = (hub.gpf if is_hub(hub) else hub.device_id for hub in (*given, *known.values()))
    return {device_id for device_id in found if device_id is not None}


def change(moment: Moment, given: Iterable[Hub], before: Before) -> None:
    """Write those of the hubs that change, each given once and resolved, with their GPFs; tell what that does."""
    devices = pairs.with_gpfs(given, before.known, before.hubs_of)
    if parted := pairs.parted(devices, before.hubs_of):
        hubs.unpair(moment.conn, parted, moment.now)
    changed = [hub for hub in devices if before.differs(hub)]
    affected = [hub for hub in changed if is_hub(hub) or is_hub(before.known.get(hub.device_id, hub))]
    were = [(was, hub) for hub in affected if (was := before.known.get(hub.device_id)) is not None]
    freshness.of_change(moment.conn, were, moment.now)
    other_suppliers = [(was, hub) for was, hub in were if was.suppliers != hub.suppliers]
    if other_suppliers:
        moment.send(alerts_on_changes(other_suppliers, moment))
    moved = [(was, hub) for was, hub in were if was.csp_region != hub.csp_region]
    staying = [hub.device_id for was, hub in moved if was.suppliers == hub.suppliers]
    instructing = [(one, halves(one, staying, moment)) for one in releases_of(moment, before.models) if staying]
    hubs.upsert(moment.conn, changed, moment.now)
    if moved:
        moment.send(tell_csps(moved, moment))
    for release, by in instructing:  # what another CSP refused is requested again
        moment.send(alerts_on_halves(release, by, moment))
    ids = [hub.device_id for hub in affected]
    replan_hubs(
        moment,
        before.models,
        ids,
        lost=lambda one: lost_by_former_suppliers(one, other_suppliers, moment),
        before={was.device_id: was for was, hub in were if _JUDGED(was) != _JUDGED(hub)},
    )


_JUDGED = attrgetter("device_type", "manufacturer", "model", "status", "firmware_version")
"""What says whether a release may be applied to a hub."""
