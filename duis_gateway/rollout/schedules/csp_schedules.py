"""CSPs' schedules, of both stages: `DefaultPilotSchedule` (A03, told as N67) and `SafeLaunchSchedule` (A08, N68)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.parts import CspSchedule, gather_schedule
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.partners.messages import Acknowledgement, AnyMessage, PartnerMessage
from duis_gateway.rollout.audience import by_supplier, registered, suppliers_of_model
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import safe_launch_opens
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.default_rules import judge_default_hubs, release_problem
from duis_gateway.rollout.pilot_lists.membership import in_pilot
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import DefaultGroup, DefaultSchedule, Release, Stage
from duis_gateway.rollout.schedules import store as schedules


@handles(Door.CSP, csp.DefaultPilotSchedule, "A03")
def receive_default_pilot_schedule(message: PartnerMessage[csp.DefaultPilotSchedule], tx: Tx) -> Acknowledgement:
    """Record a CSP's pilot schedule for a region; the suppliers concerned are told (N67)."""
    return _receive(message, message.body, Stage.PILOT, tx)


@handles(Door.CSP, csp.SafeLaunchSchedule, "A08")
def receive_safe_launch_schedule(message: PartnerMessage[csp.SafeLaunchSchedule], tx: Tx) -> Acknowledgement:
    """Record a CSP's schedule for safe launch in a region; the suppliers concerned are told (N68)."""
    return _receive(message, message.body, Stage.SAFE_LAUNCH, tx)


def _receive(message: AnyMessage, body: CspSchedule, stage: Stage, tx: Tx) -> Acknowledgement:
    tx.exclude_others(body.release_id)
    release = releases.find(tx.conn, body.release_id)
    opens = None if release is None else safe_launch_opens(release, tx.now)
    problem = release_problem(release, body.csp_region, tx.party.regions, body.groups, stage, opens)
    if problem is not None or release is None:
        return refused(message, *(problem or ("UnknownRelease", "")))
    gathered = gather_schedule(tx, body)
    if gathered.waiting:
        return accepted(message, text=gathered.waiting)
    problem = release_problem(release, body.csp_region, tx.party.regions, gathered.groups, stage, opens)
    if problem is not None:
        return refused(message, *problem)
    named = [d for group in gathered.groups for d in group.device_ids]
    found = hubs.get_many(tx.conn, named)
    marks = releases.marks(tx.conn, release.release_id)
    barred = opens is not None and stage is Stage.SAFE_LAUNCH
    piloted = in_pilot(tx.conn, release.release_id, named) if barred else frozenset()
    kept_out = protection.protected(tx.conn, named)
    good, bad = judge_default_hubs(named, found, release, body.csp_region, marks, stage, piloted, kept_out)
    if named and not good:
        return refused(message, "NoHubAcceptable", "No hub of the groups is acceptable.", bad)
    groups = _cut(gathered.groups, frozenset(good))
    schedule = DefaultSchedule(release.release_id, body.csp_region, stage, groups, gathered.constraints)
    told_before = _told_of(release, body.csp_region, stage, tx)
    schedules.replace_default(tx.conn, schedule)
    freshness.of_model(tx.conn, release.manufacturer, release.model, tx.now)
    tx.send(_alerts(release, schedule, told_before, [found[d] for d in good], tx))
    return accepted(message, bad)


def _told_of(release: Release, csp_region: str, stage: Stage, tx: Tx) -> frozenset[int]:
    """Return the suppliers with a part in the schedule that stands for the region."""
    standing = schedules.defaults(tx.conn, release.release_id, stage, csp_region)
    named = [d for one in standing for group in one.groups for d in group.device_ids]
    concerned = set(by_supplier(hubs.get_many(tx.conn, named).values()))
    for one in standing:
        if any(not group.device_ids for group in one.groups):
            concerned.update(_suppliers_of_the_region(release, one, tx))
    return frozenset(concerned)


def _cut(groups: Iterable[DefaultGroup], keep: frozenset[int]) -> tuple[DefaultGroup, ...]:
    """Return the groups with the hubs to keep; a group that named hubs and has none left is dropped."""
    cut = [(group, tuple(d for d in group.device_ids if d in keep)) for group in groups]
    return tuple(replace(group, device_ids=ids) for group, ids in cut if ids or not group.device_ids)


def _alerts(
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
        groups = _cut(schedule.groups, frozenset(ids))
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
