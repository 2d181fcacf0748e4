"""SRV 11.6, Submit Preferred Pilot Schedule (interaction A05): the instruction to deploy."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from duis_gateway.duis.service_requests.preferred_pilot_schedule import PreferredPilotSchedule
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.reply import ServiceAnswer
from duis_gateway.flow.tx import Tx
from duis_gateway.rollout.answers import warning_of
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.periods import safe_launch_opens
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.membership import own_in_pilot
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.counting import moves_by_its_own
from duis_gateway.rollout.plans.held import held_plans
from duis_gateway.rollout.plans.replan import HUBS_AT_ONCE, replan
from duis_gateway.rollout.plans.under_way import begun, instructed_since, under_way
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.effects import exclude_others_from_the_model
from duis_gateway.rollout.releases.records import Instruction, Release, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.forwarding import forward_schedule
from duis_gateway.rollout.schedules.rules import ScheduleFacts, judge_schedule
from duis_gateway.rollout.second_suppliers.handle import second_supplier_alerts


@handles(Door.DUIS, PreferredPilotSchedule, "A05")
def submit_preferred_pilot_schedule(request: ServiceRequest[PreferredPilotSchedule], tx: Tx) -> ServiceAnswer:
    """Judge the groups; the good ones are recorded as instructions, and the CSPs and DCC get them.

    Where a hub has two suppliers, each learns how the other now stands to it (N73).
    """
    body = request.body
    facts = _facts(body, tx)
    judgement = judge_schedule(body, facts, tx.now)
    answer = ServiceAnswer(judgement.code, warning=warning_of(judgement.findings), explanation=judgement.explanation)
    if not judgement.accepted or facts.release is None:
        return answer
    tx.send(forward_schedule(facts.release, tx.party.eui, judgement.instructions, facts.standing, tx))
    tx.send(second_supplier_alerts(facts.release, facts.standing, judgement.instructions, facts.named, tx))
    since = instructed_since(tx, facts.release, tx.party.eui, _sent_again(judgement.instructions, facts, tx))
    replaced = {(group.stage, group.group_id) for group in judgement.instructions}
    changed = [group for group in facts.standing if (group.stage, group.group_id) in replaced]
    ids = [d for group in (*changed, *judgement.instructions) for d in group.device_ids]
    held = held_plans(tx, facts.release, ids)
    schedules.put_instructions(tx.conn, judgement.instructions, since, judgement.findings.how_left_out())
    replan(tx, facts.release, ids, held)
    return answer


def _facts(body: PreferredPilotSchedule, tx: Tx) -> ScheduleFacts:
    conn, supplier = tx.conn, tx.party.eui
    exclude_others_from_the_model(tx, body.release_id)
    release = releases.find(conn, body.release_id)
    if release is None:
        return ScheduleFacts(release=None, supplier=supplier)
    named = {device_id for group in body.groups for device_id in group.device_ids}
    standing = tuple(schedules.instructions_around(conn, release.release_id, supplier, named, _names(body)))
    return ScheduleFacts(
        release=release,
        supplier=supplier,
        named=hubs.named(conn, named, release.release_id, supplier, tx.now),
        preferred=_in_the_pilot(body.release_id, tx),
        standing=standing,
        offered=tuple(s for stage in Stage for s in schedules.defaults(conn, release.release_id, stage)),
        in_pilot=_barred(body, release, tx),
        proving=frozenset(hub.device_id for hub in pilots.proving_hubs(conn, release.release_id, supplier)),
        protected=protection.protected(conn, named, supplier),
        lapsed=_lapsed(named, standing, body, release, tx),
        under_way=_under_way(standing, body, release, tx),
        begun=begun(tx, release, named),
    )


def _under_way(
    standing: Iterable[Instruction], body: PreferredPilotSchedule, release: Release, tx: Tx
) -> frozenset[int]:
    names = _names(body)
    groups = (group for group in standing if (group.stage, group.group_id) in names)
    return under_way(tx, release, tx.party.eui, groups)


def _sent_again(instructions: Iterable[Instruction], facts: ScheduleFacts, tx: Tx) -> set[int]:
    """Return the hubs of these groups that the supplier has instructed already, in whichever group, or DCC for it."""
    ids = {device_id for group in instructions for device_id in group.device_ids}
    standing = {device_id for group in facts.standing for device_id in group.device_ids}
    assert facts.release is not None
    return ids & (standing | direct.selected_for(tx.conn, facts.release.release_id, tx.party.eui, tx.now))


def _lapsed(
    named: set[int], standing: Iterable[Instruction], body: PreferredPilotSchedule, release: Release, tx: Tx
) -> frozenset[int]:
    """Return the hubs named whose other groups move them no more; of those that stand in none, nothing is looked at."""
    sent = {(group.stage, group.group_id) for group in body.groups}
    others = (group for group in standing if (group.stage, group.group_id) not in sent)
    elsewhere = named.intersection(hub for group in others for hub in group.device_ids)
    if not elsewhere:
        return frozenset()
    shared = plans.of_release(tx.conn, release, tx.now)
    left, lapsed = iter(elsewhere), set[int]()
    while chunk := list(islice(left, HUBS_AT_ONCE)):
        looked_at = plans.of_hubs(tx.conn, shared, list(hubs.get_many(tx.conn, chunk).values()))
        lapsed.update(facts.hub.device_id for facts in looked_at if not moves_by_its_own(facts, tx.party.eui))
    return frozenset(lapsed)


def _names(body: PreferredPilotSchedule) -> frozenset[tuple[Stage, str]]:
    """Return the groups that the schedule may change."""
    sent = ((group.stage, group.group_id) for group in body.groups)
    return frozenset(sent).union((group.stage, group.group_id) for group in body.cancelled)


def _barred(body: PreferredPilotSchedule, release: Release, tx: Tx) -> frozenset[int]:
    """Return the supplier's hubs that no SafeLaunch group may have, as they are in a pilot that has not ended."""
    launches = any(group.stage is Stage.SAFE_LAUNCH for group in body.groups)
    if not launches or safe_launch_opens(release, tx.now) is None:
        return frozenset()
    return own_in_pilot(tx.conn, release.release_id, tx.party.eui)


def _in_the_pilot(release_id: str, tx: Tx) -> frozenset[int] | None:
    """The supplier's preferred list, with what DCC chose on its behalf; None where there is neither."""
    listed = pilots.preferred(tx.conn, release_id, tx.party.eui)
    chosen = direct.selected_for(tx.conn, release_id, tx.party.eui)
    if listed is None and not chosen:
        return None
    return chosen.union(hub.device_id for hub in listed or ())
