"""CSP `DefaultPilotList` and `DefaultPilotSchedule` (interactions A02, A03): told to suppliers as N66 and N67."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import csp_mgmt_gw.messages as csp
from duis_gateway.decision import Alert, Decision
from duis_gateway.decisions.context import Context, accepted, refused
from duis_gateway.decisions.parts import gather, in_parts
from duis_gateway.duis import alert_bodies as alerts
from duis_gateway.firmware.defaults import judge_default_hubs, release_problem
from duis_gateway.firmware.recipients import by_supplier
from duis_gateway.model.hubs import Hub
from duis_gateway.model.releases import DefaultGroup, DefaultSchedule, Release, Stage
from duis_gateway.partner_messages import PartnerMessage
from duis_gateway.store import hubs, parties, pilots, releases, schedules


def receive_default_pilot_list(message: PartnerMessage, context: Context) -> Decision:
    """Record a CSP's pilot list for a region; each Responsible Supplier is told of its own hubs (N66)."""
    body = message.body
    assert isinstance(body, csp.DefaultPilotList)
    context.exclude_others(body.release_id)
    release = releases.find(context.conn, body.release_id)
    problem = release_problem(release, body.csp_region, context.party.regions)
    if problem is not None or release is None:
        return Decision(refused(message, *(problem or ("UnknownRelease", ""))))
    gathered = gather(context, body.part, body.device_ids, body.release_id, body.csp_region)
    if gathered.missing:
        return Decision(accepted(message, text=gathered.text), (gathered.write,))
    found = hubs.get_many(context.conn, gathered.ids)
    marks = releases.marks(context.conn, release.release_id)
    good, bad = judge_default_hubs(gathered.ids, found, release, body.csp_region, marks)
    if not good:
        return Decision(refused(message, "NoHubAcceptable", "No hub of the list is acceptable.", bad))
    write = partial(pilots.replace_default_list, release_id=release.release_id, csp_region=body.csp_region, ids=good)
    sends = _default_list_alerts(release, body.csp_region, [found[d] for d in good], context)
    return Decision(accepted(message, bad), (gathered.write, write), sends)


def _default_list_alerts(
    release: Release, csp_region: str, listed: Sequence[Hub], context: Context
) -> tuple[Alert, ...]:
    own = by_supplier(listed)
    known = parties.find_many(context.conn, own)
    return tuple(
        Alert(
            known[supplier],
            alerts.DefaultPilotList(release.release_id, release.firmware_version, csp_region, tuple(ids)),
            release.release_id,
        )
        for supplier, ids in own.items()
        if supplier in known
    )


def receive_default_pilot_schedule(message: PartnerMessage, context: Context) -> Decision:
    """Record a CSP's pilot schedule for a region; the suppliers concerned are told (N67)."""
    body = message.body
    assert isinstance(body, csp.DefaultPilotSchedule)
    if (refusal := in_parts(message, body.part)) is not None:
        return Decision(refusal)
    context.exclude_others(body.release_id)
    release = releases.find(context.conn, body.release_id)
    problem = release_problem(release, body.csp_region, context.party.regions, body.groups)
    if problem is not None or release is None:
        return Decision(refused(message, *(problem or ("UnknownRelease", ""))))
    named = [d for group in body.groups for d in group.device_ids]
    found = hubs.get_many(context.conn, named)
    good, bad = judge_default_hubs(
        named, found, release, body.csp_region, releases.marks(context.conn, release.release_id)
    )
    if named and not good:
        return Decision(refused(message, "NoHubAcceptable", "No hub of the groups is acceptable.", bad))
    groups = _cut(body.groups, frozenset(good))
    schedule = DefaultSchedule(release.release_id, body.csp_region, Stage.PILOT, groups, body.constraints)
    concerned = [found[d] for d in good] or _hubs_of_the_region(release, body.csp_region, context)
    return Decision(
        accepted(message, bad),
        (partial(schedules.replace_default, schedule=schedule),),
        _schedule_alerts(release, schedule, concerned, context),
    )


def _cut(groups: Iterable[DefaultGroup], keep: frozenset[int]) -> tuple[DefaultGroup, ...]:
    """Return the groups with the hubs to keep; a group that named hubs and has none left is dropped."""
    cut = [(group, tuple(d for d in group.device_ids if d in keep)) for group in groups]
    return tuple(replace(group, device_ids=ids) for group, ids in cut if ids or not group.device_ids)


def _hubs_of_the_region(release: Release, csp_region: str, context: Context) -> list[Hub]:
    listed = pilots.default_hubs(context.conn, release.release_id)
    ids = [hub.device_id for hub in listed if hub.csp_region == csp_region]
    return list(hubs.get_many(context.conn, ids).values())


def _schedule_alerts(
    release: Release, schedule: DefaultSchedule, concerned: Sequence[Hub], context: Context
) -> tuple[Alert, ...]:
    """A group without hubs of its own concerns every supplier told; one with hubs, only those of its hubs."""
    own = by_supplier(concerned) or {
        supplier: []
        for supplier in releases.suppliers_with_hubs_of_model(context.conn, release.manufacturer, release.model)
    }
    known = parties.find_many(context.conn, own)
    sends = []
    for supplier, ids in own.items():
        groups = _cut(schedule.groups, frozenset(ids))
        if supplier in known and groups:
            body = alerts.DefaultPilotSchedule(
                release.release_id, release.firmware_version, schedule.csp_region, groups, schedule.constraints
            )
            sends.append(Alert(known[supplier], body, release.release_id))
    return tuple(sends)
