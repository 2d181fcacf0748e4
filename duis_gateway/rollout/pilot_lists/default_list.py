"""CSP `DefaultPilotList` (interaction A02): told to suppliers as N66."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.parts import gather
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.audience import by_supplier, registered
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.default_rules import judge_default_hubs, release_problem
from duis_gateway.rollout.plans.replan import replan
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.schedules.csp_voiding import take_out_of_safe_launch


@handles(Door.CSP, csp.DefaultPilotList, "A02")
def receive_default_pilot_list(message: PartnerMessage[csp.DefaultPilotList], tx: Tx) -> Acknowledgement:
    """Record a CSP's pilot list for a region; each Responsible Supplier is told of its own hubs (N66)."""
    body = message.body
    tx.exclude_others(body.release_id)
    release = releases.find(tx.conn, body.release_id)
    problem = release_problem(release, body.csp_region, tx.party.regions)
    if problem is not None or release is None:
        return refused(message, *(problem or ("UnknownRelease", "")))
    gathered = gather(tx, body.part, body.device_ids, body.release_id, body.csp_region)
    if gathered.waiting:
        return accepted(message, text=gathered.waiting)
    found = hubs.get_many(tx.conn, gathered.ids)
    marks = releases.marks(tx.conn, release.release_id)
    kept_out = protection.protected(tx.conn, gathered.ids)
    good, bad = judge_default_hubs(gathered.ids, found, release, body.csp_region, marks, protected=kept_out)
    if not good:
        return refused(message, "NoHubAcceptable", "No hub on the list is acceptable.", bad)
    listed = [hub.device_id for hub in pilots.default_hubs(tx.conn, release.release_id, csp_region=body.csp_region)]
    before = by_supplier(hubs.get_many(tx.conn, listed).values())
    pilots.replace_default_list(tx.conn, release.release_id, body.csp_region, good)
    tx.send(_default_list_alerts(release, body.csp_region, before, [found[d] for d in good], tx))
    tx.send(take_out_of_safe_launch(release, good, tx))
    replan(tx, release, direct.batches_naming(tx.conn, release.release_id, {*listed, *good}))
    return accepted(message, bad)


def _default_list_alerts(
    release: Release, csp_region: str, before: Iterable[int], listed: Sequence[Hub], tx: Tx
) -> tuple[Alert, ...]:
    """Tell each supplier its part of the list, also one that had hubs on the list before and has none now."""
    own: dict[int, list[int]] = {supplier: [] for supplier in before} | by_supplier(listed)
    known = registered(own, release.release_id, tx)
    return tuple(
        Alert(
            known[supplier],
            DefaultPilotList(release.release_id, release.firmware_version, csp_region, tuple(ids)),
            release.release_id,
        )
        for supplier, ids in sorted(own.items())
        if supplier in known
    )
