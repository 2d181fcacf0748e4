"""SRV 11.5, Submit Preferred Pilot List (interaction A04)."""

from __future__ import annotations

from collections.abc import Sequence

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.reply import PartnerSend, Send, ServiceAnswer
from duis_gateway.flow.tx import Tx
from duis_gateway.machine.identities import new_identity
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import Part, split_list
from duis_gateway.rollout.answers import warning_of
from duis_gateway.rollout.audience import to_csps
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hub_events.records import OFF_THE_LIST, ON_THE_LIST, Ending
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.obligations import store as obligations
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.rules import PilotListFacts, PilotListJudgement, judge_pilot_list
from duis_gateway.rollout.plans.held import held_plans
from duis_gateway.rollout.plans.replan import replan
from duis_gateway.rollout.plans.under_way import course
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.csp_voiding import take_out_of_safe_launch
from duis_gateway.rollout.schedules.forwarding import forward_schedule
from duis_gateway.rollout.second_suppliers.handle import second_supplier_alerts


@handles(Door.DUIS, PreferredPilotList, "A04")
def submit_preferred_pilot_list(request: ServiceRequest[PreferredPilotList], tx: Tx) -> ServiceAnswer:
    """Judge the list; when it is good, it replaces the supplier's earlier one, and the CSPs and DCC get it."""
    body = request.body
    facts = _facts(body, tx)
    judgement = judge_pilot_list(body, facts, tx.now)
    answer = ServiceAnswer(judgement.code, warning=warning_of(judgement.findings), explanation=judgement.explanation)
    if not judgement.accepted or facts.release is None:
        return answer
    tx.send(_sends(facts, judgement, tx))
    left = judgement.findings.removed_from_groups
    held = held_plans(tx, facts.release, left)
    _replace(body, facts.release, judgement, tx)
    tx.send(take_out_of_safe_launch(facts.release, [hub.device_id for hub in judgement.pilot], tx))
    listed = {hub.device_id for hubs in (facts.default, facts.previous or (), judgement.pilot) for hub in hubs}
    batched = direct.batches_naming(tx.conn, facts.release.release_id, listed)
    replan(tx, facts.release, (*left, *batched), held)
    return answer


def _facts(body: PreferredPilotList, tx: Tx) -> PilotListFacts:
    conn, supplier = tx.conn, tx.party.eui
    tx.exclude_others(body.release_id)
    release = releases.find(conn, body.release_id)
    if release is None:
        return PilotListFacts(release=None, supplier=supplier)
    default = tuple(pilots.default_hubs(conn, release.release_id, supplier))
    previous = pilots.preferred(conn, release.release_id, supplier)
    if body.device_ids is None:
        named: Sequence[int] = [*{*body.add, *body.remove, *(hub.device_id for hub in default)}]
    else:
        named = body.device_ids
    proving = tuple(pilots.proving_hubs(conn, release.release_id, supplier))
    may_be_in = {*named, *(hub.device_id for hub in proving)}
    groups = tuple(schedules.instructions_around(conn, release.release_id, supplier, may_be_in))
    standing = course(tx, release, supplier, groups)
    updated = obligations.updated(conn, release, supplier) if release.pilot is not None else obligations.NOTHING
    return PilotListFacts(
        release=release,
        supplier=supplier,
        named=hubs.named(conn, named, release.release_id, supplier, tx.now),
        default=default,
        proving=proving,
        previous=None if previous is None else tuple(previous),
        groups=groups,
        protected=protection.protected(conn, named, supplier),
        under_way=standing.under_way,
        over=standing.over,
        active=updated.hubs,
        brought=updated.brought,
    )


def _replace(body: PreferredPilotList, release: Release, judgement: PilotListJudgement, tx: Tx) -> None:
    pilots.replace_preferred(
        tx.conn,
        release_id=release.release_id,
        supplier=tx.party.eui,
        firmware_version=release.firmware_version,
        ids=[hub.device_id for hub in judgement.pilot],
        received_at=tx.now,
    )
    if judgement.regrouped:
        # The groups are cut and not replaced: what the CSP said of them stands for the hubs that are left.
        lost = judgement.findings.removed_from_groups
        put_on = dict.fromkeys((hub.device_id for hub in judgement.pilot), ON_THE_LIST)
        words = judgement.findings.how_left_out() | dict.fromkeys(body.remove, OFF_THE_LIST) | put_on
        for stage in Stage:  # a hub stands in one group, of one stage
            ending = Ending(tx.now, OFF_THE_LIST)
            schedules.remove_hubs(tx.conn, release.release_id, tx.party.eui, stage, lost, ending, words)


def _sends(facts: PilotListFacts, judgement: PilotListJudgement, tx: Tx) -> tuple[Send, ...]:
    """Each CSP gets the hubs of its regions; one that had some before and has none now learns that, too."""
    release = facts.release
    assert release is not None
    sends: list[Send] = []

    def to_csp(ids: tuple[int, ...], part: Part | None) -> csp.PreferredPilotList:
        return csp.PreferredPilotList(release.release_id, release.firmware_version, tx.party.eui, ids, part)

    sends += to_csps(judgement.pilot, to_csp, release.release_id, tx, before=judgement.removed)
    everything = [hub.device_id for hub in judgement.pilot]
    for party in tx.registered(PartyKind.DCC):
        sends += [
            PartnerSend(
                party,
                esi.PreferredPilotListReport(release.release_id, release.firmware_version, tx.party.eui, ids, part),
                release.release_id,
            )
            for part, ids in split_list(new_identity(), everything)
        ]
    if judgement.regrouped:
        sends += forward_schedule(release, tx.party.eui, judgement.regrouped, facts.groups, tx)
        sends += second_supplier_alerts(release, facts.groups, judgement.regrouped, facts.named, tx)
    return tuple(sends)
