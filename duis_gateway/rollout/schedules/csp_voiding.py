"""What a revision, or a list of the pilot, makes void of the CSPs' own schedules (BR-6.5).

They are held to it like new ones. A schedule that would be refused now stands no more, so that the CSP can send
another. Hubs that the stage cannot have any more are taken out of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Tx
from duis_gateway.rollout.audience import by_supplier
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.periods import safe_launch_opens
from duis_gateway.rollout.pilot_lists.default_rules import release_problem
from duis_gateway.rollout.pilot_lists.membership import in_pilot
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import DefaultSchedule, HubMark, Release, Stage, VoidSchedule
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.csp_telling import alerts, cut, told_of

_NO_MORE = {
    Stage.PILOT: "no longer in the pilot, which excludes them",
    Stage.SAFE_LAUNCH: "in the pilot, which has not ended",
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """What is void of the CSPs' schedules, and what the suppliers concerned are told of what is left of them."""

    void: tuple[VoidSchedule, ...] = ()
    alerts: tuple[Alert, ...] = ()


def drop_what_is_void(release: Release, tx: Tx) -> Dropped:
    """Drop of the CSPs' schedules what stands no more under a release that was just revised, and return it."""
    void: list[VoidSchedule] = []
    told: list[Alert] = []
    for stage in Stage:
        for schedule in schedules.defaults(tx.conn, release.release_id, stage):
            lost = _lost(release, schedule, tx)
            if lost is not None:
                void.append(lost)
                told += _without(release, schedule, lost, tx)
    return Dropped(tuple(void), tuple(told))


def take_out_of_safe_launch(release: Release, ids: Collection[int], tx: Tx) -> Iterator[Alert]:
    """Take hubs that are in the pilot now out of the CSPs' schedules for safe launch, and yield what is told of that.

    The CSP has the list that brings them into the pilot; the suppliers are told what is left of their part (N68).
    """
    if safe_launch_opens(release, tx.now) is None:
        return
    scheduled = schedules.scheduled_by_csps(tx.conn, release.release_id, Stage.SAFE_LAUNCH, ids)
    for region, named in sorted(scheduled.items()):
        gone = in_pilot(tx.conn, release.release_id, named)
        for schedule in schedules.defaults(tx.conn, release.release_id, Stage.SAFE_LAUNCH, region) if gone else ():
            freshness.of_hubs(tx.conn, gone, tx.now)
            yield from _without(release, schedule, _less(schedule, gone), tx)


def _lost(release: Release, schedule: DefaultSchedule, tx: Tx) -> VoidSchedule | None:
    region, stage = schedule.csp_region, schedule.stage
    opens = safe_launch_opens(release, tx.now)
    problem = release_problem(release, region, frozenset({region}), schedule.groups, stage, opens)
    if problem is not None:
        return VoidSchedule(region, stage, problem[1])
    named = frozenset(d for group in schedule.groups for d in group.device_ids)
    if stage is Stage.PILOT:
        gone = named.intersection(releases.marks(tx.conn, release.release_id).get(HubMark.EXCLUDED, ()))
    else:
        gone = frozenset() if opens is None else in_pilot(tx.conn, release.release_id, named)
    return _less(schedule, gone) if gone else None


def _less(schedule: DefaultSchedule, gone: frozenset[int]) -> VoidSchedule:
    region, stage = schedule.csp_region, schedule.stage
    named = frozenset(d for group in schedule.groups for d in group.device_ids)
    if not cut(schedule.groups, named - gone):
        return VoidSchedule(region, stage, f"All its hubs are {_NO_MORE[stage]}.")
    return VoidSchedule(region, stage, _NO_MORE[stage], tuple(sorted(gone)))


def _without(release: Release, schedule: DefaultSchedule, lost: VoidSchedule, tx: Tx) -> Iterator[Alert]:
    """Keep what is left of a schedule, and yield it for each supplier whose part is not what it was."""
    before = told_of(release, schedule.csp_region, schedule.stage, tx)
    concerned = before
    if lost.hubs:
        gone = frozenset(lost.hubs)
        named = [d for group in schedule.groups for d in group.device_ids if d not in gone]
        concerned = frozenset(by_supplier(hubs.get_many(tx.conn, lost.hubs).values()))
        left = replace(schedule, groups=cut(schedule.groups, frozenset(named)))
        schedules.replace_default(tx.conn, left)
        found = list(hubs.get_many(tx.conn, named).values())
    else:
        left = replace(schedule, groups=(), constraints=())
        schedules.drop_default(tx.conn, schedule)
        found = []
    for alert in alerts(release, left, before, found, tx):
        if alert.recipient.eui in concerned:
            yield alert
