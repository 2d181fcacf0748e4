"""SRV 11.5, Submit Preferred Pilot List (interaction A04)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import uuid4

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.request_bodies import PreferredPilotList
from duis_gateway.duis.requests import ServiceRequest
from duis_gateway.flow.context import Context
from duis_gateway.flow.reply import Decision, PartnerSend, Send, ServiceAnswer, Write
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import split_list
from duis_gateway.rollout.answers import warning_of
from duis_gateway.rollout.audience import within_regions
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.rules import PilotListFacts, PilotListJudgement, judge_pilot_list
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.forwarding import forward_schedule
from duis_gateway.rollout.second_suppliers.handle import second_supplier_alerts


def submit_preferred_pilot_list(request: ServiceRequest, context: Context) -> Decision:
    """Judge the list; when it is good, it replaces the supplier's earlier one, and the CSPs and DCC get it."""
    body = request.body
    assert isinstance(body, PreferredPilotList)
    facts = _facts(body, context)
    judgement = judge_pilot_list(body, facts, context.now)
    answer = ServiceAnswer(judgement.code, warning=warning_of(judgement.findings))
    if not judgement.accepted or facts.release is None:
        return Decision(answer)
    return Decision(answer, _writes(facts.release, judgement, context), _sends(facts, judgement, context))


def _facts(body: PreferredPilotList, context: Context) -> PilotListFacts:
    conn, supplier = context.conn, context.party.eui
    context.exclude_others(body.release_id)
    release = releases.find(conn, body.release_id)
    if release is None:
        return PilotListFacts(release=None, newest_live=False, supplier=supplier)
    default = tuple(pilots.default_hubs(conn, release.release_id, supplier))
    previous = pilots.preferred(conn, release.release_id, supplier)
    if body.device_ids is None:
        named: Iterable[int] = {*body.add, *body.remove, *(hub.device_id for hub in default)}
    else:
        named = body.device_ids
    return PilotListFacts(
        release=release,
        newest_live=releases.newest_live(conn, release.manufacturer, release.model) == release.release_id,
        supplier=supplier,
        named=hubs.named(conn, named, release.release_id, supplier),
        default=default,
        proving=tuple(pilots.proving_hubs(conn, release.release_id, supplier)),
        previous=None if previous is None else tuple(previous),
        pilot_groups=tuple(
            group for group in schedules.instructions(conn, release.release_id, supplier) if group.stage is Stage.PILOT
        ),
    )


def _writes(release: Release, judgement: PilotListJudgement, context: Context) -> tuple[Write, ...]:
    ids = [hub.device_id for hub in judgement.pilot]
    replace = partial(
        pilots.replace_preferred,
        release_id=release.release_id,
        supplier=context.party.eui,
        firmware_version=release.firmware_version,
        ids=ids,
        received_at=context.now,
    )
    if not judgement.regrouped:
        return (replace,)
    # The groups are cut and not replaced: what the CSP said of them stands for the hubs that are left.
    cut = partial(
        schedules.remove_hubs,
        release_id=release.release_id,
        supplier=context.party.eui,
        stage=Stage.PILOT,
        ids=judgement.findings.removed_from_groups,
    )
    return (replace, cut)


def _sends(facts: PilotListFacts, judgement: PilotListJudgement, context: Context) -> tuple[Send, ...]:
    """Each CSP gets the hubs of its regions; one that had some before and has none now learns that, too."""
    release = facts.release
    assert release is not None
    sends: list[Send] = []
    for party in context.registered(PartyKind.CSP):
        own = within_regions(judgement.pilot, party.regions)
        if own or within_regions(judgement.removed, party.regions):
            sends += [
                PartnerSend(
                    party,
                    csp.PreferredPilotList(release.release_id, release.firmware_version, context.party.eui, ids, part),
                    release.release_id,
                )
                for part, ids in split_list(str(uuid4()), own)
            ]
    everything = [hub.device_id for hub in judgement.pilot]
    for party in context.registered(PartyKind.DCC):
        sends += [
            PartnerSend(
                party,
                esi.PreferredPilotListReport(
                    release.release_id, release.firmware_version, context.party.eui, ids, part
                ),
                release.release_id,
            )
            for part, ids in split_list(str(uuid4()), everything)
        ]
    if judgement.regrouped:
        standing = schedules.instructions(context.conn, release.release_id, context.party.eui)
        sends += forward_schedule(release, judgement.regrouped, standing, context)
        sends += second_supplier_alerts(release, standing, judgement.regrouped, facts.named, context)
    return tuple(sends)
