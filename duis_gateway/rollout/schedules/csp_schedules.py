"""CSPs' schedules, of both stages: `DefaultPilotSchedule` (A03, told as N67) and `SafeLaunchSchedule` (A08, N68)."""

from __future__ import annotations

import csp_mgmt_gw.messages as csp
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.parts import CspSchedule, gather_schedule
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.partners.messages import Acknowledgement, AnyMessage, PartnerMessage
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.periods import safe_launch_opens
from duis_gateway.rollout.pilot_lists.default_rules import judge_default_hubs, release_problem
from duis_gateway.rollout.pilot_lists.membership import in_pilot
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import DefaultSchedule, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.csp_telling import alerts, cut, told_of
from duis_gateway.text.controls import name_fault


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
    # What is recorded already under such a name stands: a rule for the release would void it with the next revision.
    names = (*(one.group_id for one in body.groups), *(one.code for one in body.constraints))
    if fault := next(filter(None, map(name_fault, names)), None):
        return refused(message, "NotAcceptable", f"A GroupID or the Code of an OfferedConstraint {fault}.")
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
        return refused(message, "NoHubAcceptable", "No hub in the groups is acceptable.", bad)
    groups = cut(gathered.groups, frozenset(good))
    schedule = DefaultSchedule(release.release_id, body.csp_region, stage, groups, gathered.constraints)
    told_before = told_of(release, body.csp_region, stage, tx)
    schedules.replace_default(tx.conn, schedule)
    freshness.of_model(tx.conn, release.manufacturer, release.model, tx.now)
    tx.send(alerts(release, schedule, told_before, [found[d] for d in good], tx))
    return accepted(message, bad)
