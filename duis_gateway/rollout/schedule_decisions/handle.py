"""CSP `ScheduleDecision`: its final say on one group of a supplier's preferred schedule, or a piece of it (X07)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import PreferredPilotScheduleDecision
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.parties import store as parties
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.held import held_plans
from duis_gateway.rollout.plans.records import VoidPlan, VoidReason
from duis_gateway.rollout.plans.replan import replan
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.void import told_to
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Instruction, Release, Stage
from duis_gateway.rollout.releases.rules import pilot_window_open
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedule_decisions.rules import SayJudgement, judge_say
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.second_suppliers.handle import alerts_on_halves, halves


@handles(Door.CSP, csp.ScheduleDecision, "X07")
def receive_schedule_decision(message: PartnerMessage[csp.ScheduleDecision], tx: Tx) -> Acknowledgement:
    """Record what the CSP says of the group's hubs in its regions, or of those that it names; the supplier gets N74.

    A CSP regroups by naming hubs: each message is about one piece of the group. Hubs that it cannot decide on are
    refused one by one. Where it refuses one half of split hubs, the other supplier learns that it has none (N73).
    """
    body = message.body
    tx.exclude_others(body.release_id)
    release = releases.find(tx.conn, body.release_id)
    standing = schedules.instructions(tx.conn, body.release_id, body.supplier, body.group_id)
    group = _meant(standing, release, body.device_ids, tx)
    regions = says.regions_of(tx.conn, group) if group is not None else {}
    judged = judge_say(
        body.decision,
        body.earliest_start,
        body.latest_end,
        body.reason,
        group,
        regions,
        tx.party.regions,
        release,
        tx.now,
        body.device_ids,
        fixed_ahead=group is not None and says.fixed_ahead(tx.conn, group, tx.now),
    )
    if judged.say is None or group is None:
        text = f"Nothing is decided: {judged.refusal}."
        return refused(message, "DecisionRefused", text, judged.items)
    instructing = halves(release, judged.device_ids, tx) if release is not None else {}
    held = held_plans(tx, release, judged.device_ids) if release is not None else {}
    here = {hub: regions[hub] for hub in judged.device_ids}
    if judged.say.piece:
        says.put_piece(tx.conn, group=group, regions=here, csp=tx.party.eui, say=judged.say, at=tx.now)
    else:
        spoken_for = sorted(set(here.values()))
        says.put_say(tx.conn, group=group, regions=spoken_for, csp=tx.party.eui, say=judged.say, at=tx.now)
    tx.send(_alerts(group, judged, _not_planned(group, judged, release, tx), tx))
    if release is not None:
        tx.send(alerts_on_halves(release, instructing, tx))
        replan(tx, release, judged.device_ids, held)
    return accepted(message, judged.items)


def _meant(
    standing: Sequence[Instruction], release: Release | None, named: Sequence[int], tx: Tx
) -> Instruction | None:
    """Return the group that is meant; the message names no stage.

    Of two groups of one name it is the one that has hubs which the message names, else the pilot's. Once the pilot has
    ended there is nothing left to say of its groups.
    """
    by_stage = {group.stage: group for group in standing}
    wanted = [Stage.PILOT, Stage.SAFE_LAUNCH]
    if release is not None and not pilot_window_open(release, tx.now):
        wanted.reverse()
    candidates = [by_stage[stage] for stage in wanted if stage in by_stage]
    having = [group for group in candidates if not frozenset(named).isdisjoint(group.device_ids)]
    return next(iter(having or candidates), None)


def _not_planned(group: Instruction, judged: SayJudgement, release: Release | None, tx: Tx) -> tuple[VoidPlan, ...]:
    """Return the hubs that the CSP takes and that nothing moves all the same, by the reason.

    Of a split hub the second supplier's half is awaited, say, or refused: the period fixed is not the hub's then.
    """
    if release is None or judged.say is None or judged.say.decision is GroupDecision.REFUSED:
        return ()
    shared = plans.of_release(tx.conn, release, tx.now)
    found: defaultdict[VoidReason, list[int]] = defaultdict(list)
    for facts, device_ids in plans.kinds(tx.conn, shared, judged.device_ids, ended=True):
        if isinstance(plan_hub(facts).told, VoidReason) and group.supplier in facts.hub.suppliers:
            found[told_to(facts, group.supplier)] += device_ids
    return tuple(VoidPlan(reason, tuple(sorted(found[reason]))) for reason in sorted(found))


def _alerts(group: Instruction, judged: SayJudgement, not_planned: tuple[VoidPlan, ...], tx: Tx) -> tuple[Alert, ...]:
    """Tell the group's supplier; of a piece of the group its hubs, or it would contradict what is said of others."""
    supplier = parties.find(tx.conn, group.supplier)
    if supplier is None or judged.say is None:
        return ()
    is_piece = judged.say.piece or len(judged.device_ids) < len(group.device_ids)
    body = PreferredPilotScheduleDecision(
        group.release_id,
        group.group_id,
        judged.say.decision,
        judged.say.reason,
        judged.period,
        judged.device_ids if is_piece else (),
        not_planned,
    )
    return (Alert(supplier, body, group.release_id),)
