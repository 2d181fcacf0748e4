"""CSP `ScheduleDecision`: its final say on one group of a supplier's preferred schedule (interaction X07)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import csp_mgmt_gw.messages as csp
from duis_gateway.decision import Alert, Decision
from duis_gateway.decisions.context import Context, accepted, refused
from duis_gateway.duis.alert_bodies import PreferredPilotScheduleDecision
from duis_gateway.firmware.csp_says import SayJudgement, judge_say
from duis_gateway.firmware.releases import pilot_window_open
from duis_gateway.model.releases import Instruction, Release, Stage
from duis_gateway.partner_messages import PartnerMessage
from duis_gateway.store import hubs, parties, releases, says, schedules


def receive_schedule_decision(message: PartnerMessage, context: Context) -> Decision:
    """Record what the CSP says of the group's hubs in its regions; the group's supplier is told (N74)."""
    body = message.body
    assert isinstance(body, csp.ScheduleDecision)
    context.exclude_others(body.release_id)
    release = releases.find(context.conn, body.release_id)
    standing = schedules.instructions(context.conn, body.release_id, body.supplier, body.group_id)
    group = _meant(standing, release, context)
    regions = hubs.regions(context.conn, group.device_ids if group is not None else ())
    judged = judge_say(
        body.decision,
        body.earliest_start,
        body.latest_end,
        body.reason,
        group,
        regions,
        context.party.regions,
        release,
    )
    if judged.say is None or group is None:
        return Decision(refused(message, "DecisionRefused", f"Nothing is decided: {judged.refusal}."))
    spoken_for = sorted({regions[hub] for hub in judged.device_ids})
    write = partial(
        says.put_say, group=group, regions=spoken_for, csp=context.party.eui, say=judged.say, at=context.now
    )
    return Decision(accepted(message), (write,), _alerts(group, judged, spoken_for, context))


def _meant(standing: Sequence[Instruction], release: Release | None, context: Context) -> Instruction | None:
    """Return the group that is meant. The message names no stage: of two groups of one name, the pilot's first.

    Once the pilot has ended there is nothing left to say of its groups.
    """
    by_stage = {group.stage: group for group in standing}
    wanted = [Stage.PILOT, Stage.SAFE_LAUNCH]
    if release is not None and not pilot_window_open(release, context.now):
        wanted.reverse()
    return next((by_stage[stage] for stage in wanted if stage in by_stage), None)


def _alerts(group: Instruction, judged: SayJudgement, regions: Sequence[str], context: Context) -> tuple[Alert, ...]:
    supplier = parties.find(context.conn, group.supplier)
    if supplier is None or judged.say is None:
        return ()
    reason = judged.say.reason
    if len(judged.device_ids) < len(group.device_ids):
        # N74 has no list of hubs: a say on a piece of the group has to name the piece, or it would contradict others.
        piece = f"Of {len(judged.device_ids)} of the group's {len(group.device_ids)} hubs, those in {_listed(regions)}"
        reason = f"{piece}: {reason}" if reason else f"{piece}."
    body = PreferredPilotScheduleDecision(group.release_id, group.group_id, judged.say.decision, reason, judged.period)
    return (Alert(supplier, body, group.release_id),)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
