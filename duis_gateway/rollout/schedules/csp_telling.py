"""Who is told of a CSP's own schedule, and what: each supplier its own part (N67, N68 for safe launch)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Tx
from duis_gateway.rollout.audience import by_supplier, registered, suppliers_of_model
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases.records import DefaultGroup, DefaultSchedule, Release, Stage
from duis_gateway.rollout.schedules import store as schedules


def told_of(release: Release, csp_region: str, stage: Stage, tx: Tx) -> frozenset[int]:
    """Return the suppliers with a part in the schedule that stands for the region."""
    standing = schedules.defaults(tx.conn, release.release_id, stage, csp_region)
    named = [d for one in standing for group in one.groups for d in group.device_ids]
    concerned = set(by_supplier(hubs.get_many(tx.conn, named).values()))
    for one in standing:
        if any(not group.device_ids for group in one.groups):
            concerned.update(_suppliers_of_the_region(release, one, tx))
    return frozenset(concerned)


def cut(groups: Iterable[DefaultGroup], keep: frozenset[int]) -> tuple[DefaultGroup, ...]:
    """Return the groups with the hubs to keep; a group that named hubs and has none left is dropped."""
    cut = [(group, tuple(d for d in group.device_ids if d in keep)) for group in groups]
    return tuple(replace(group, device_ids=ids) for group, ids in cut if ids or not group.device_ids)


def alerts(
    release: Release, schedule: DefaultSchedule, before: Iterable[int], named: Sequence[Hub], tx: Tx
) -> tuple[Alert, ...]:
    """A group that names hubs concerns their suppliers; one without, every supplier with hubs that it may mean.

    A supplier that had a part in the schedule before, and has none now, is told so.
    """
    own = by_supplier(named)
    if any(not group.device_ids for group in schedule.groups):
        own = {**{supplier: [] for supplier in _suppliers_of_the_region(release, schedule, tx)}, **own}
    own = {supplier: [] for supplier in before} | own
    known = registered(own, release.release_id, tx)
    sends = []
    for supplier, ids in sorted(own.items()):
        groups = cut(schedule.groups, frozenset(ids))
        if supplier in known:
            sends.append(Alert(known[supplier], _body(release, schedule, groups), release.release_id))
    return tuple(sends)


def _suppliers_of_the_region(release: Release, schedule: DefaultSchedule, tx: Tx) -> Iterable[int]:
    """For the pilot: of the hubs on the default list, if there is one; else of all hubs of the model."""
    if schedule.stage is Stage.PILOT:
        listed = pilots.default_hubs(tx.conn, release.release_id)
        ids = [hub.device_id for hub in listed if hub.csp_region == schedule.csp_region]
        if ids:
            return by_supplier(hubs.get_many(tx.conn, ids).values())
    return suppliers_of_model(tx.conn, release.manufacturer, release.model, schedule.csp_region)


def _body(release: Release, schedule: DefaultSchedule, groups: tuple[DefaultGroup, ...]) -> AlertBody:
    body = DefaultPilotSchedule if schedule.stage is Stage.PILOT else SafeLaunchSchedule
    return body(release.release_id, release.firmware_version, schedule.csp_region, groups, schedule.constraints)
