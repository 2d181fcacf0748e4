"""ESI `PilotOutcome` and `SafeLaunchOutcome`: how a stage went as a whole (A06, A07, A09, A10)."""

from __future__ import annotations

import esi.messages as esi
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.tx import Tx, refused
from duis_gateway.partners.messages import Acknowledgement, AnyMessage, PartnerMessage
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases.change import Said, happened
from duis_gateway.rollout.releases.effects import current
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Stage
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import StageReport
from duis_gateway.rollout.rollout_decisions.rules import contradiction

CONTRADICTORY = "Contradictory"


@handles(Door.ESI, esi.PilotOutcome, "A06", "A07")
def receive_pilot_outcome(message: PartnerMessage[esi.PilotOutcome], tx: Tx) -> Acknowledgement:
    """Keep and pass on how the pilot went. A failed one stops nothing: DCC has to decide (PIA-A12)."""
    body = message.body
    event = Event.PILOT_SUCCEEDED if body.success else Event.PILOT_FAILED
    return _reported(message, tx, body, event, Stage.PILOT)


@handles(Door.ESI, esi.SafeLaunchOutcome, "A09", "A10")
def receive_safe_launch_outcome(message: PartnerMessage[esi.SafeLaunchOutcome], tx: Tx) -> Acknowledgement:
    """Keep and pass on how the safe launch went."""
    body = message.body
    event = Event.SAFE_LAUNCH_SUCCEEDED if body.success else Event.SAFE_LAUNCH_FAILED
    return _reported(message, tx, body, event, Stage.SAFE_LAUNCH)


def _reported(
    message: AnyMessage,
    tx: Tx,
    body: esi.PilotOutcome | esi.SafeLaunchOutcome,
    event: Event,
    stage: Stage,
) -> Acknowledgement:
    report = StageReport(body.release_id, stage, body.success, body.counts, body.commentary, tx.now)
    release = current(tx, body.release_id)
    if release is not None:
        earlier = rollout.report_of(tx.conn, body.release_id, stage)
        never = history.pilot_never_was(tx.conn, release)
        problem = contradiction(release, report, earlier, without_pilot=never)
        if problem is not None:
            return refused(message, CONTRADICTORY, f"{problem[:1].upper()}{problem[1:]}.")
    reply = happened(message, tx, body.release_id, event, Said(body.commentary, body))
    if reply.taken:
        rollout.put_report(tx.conn, report)
    return reply
