"""ESI `PilotOutcome` and `SafeLaunchOutcome`: how a stage went as a whole (A06, A07, A09, A10)."""

from __future__ import annotations

from functools import partial

import esi.messages as esi
from duis_gateway.flow.context import Context
from duis_gateway.flow.reply import Decision
from duis_gateway.partners.messages import PartnerMessage
from duis_gateway.rollout.releases.change import Said, happened
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Stage
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import StageReport


def receive_pilot_outcome(message: PartnerMessage, context: Context) -> Decision:
    """Keep and pass on how the pilot went. A failed one stops nothing: DCC has to decide (PIA-A12)."""
    body = message.body
    assert isinstance(body, esi.PilotOutcome)
    event = Event.PILOT_SUCCEEDED if body.success else Event.PILOT_FAILED
    return _reported(message, context, body, event, Stage.PILOT)


def receive_safe_launch_outcome(message: PartnerMessage, context: Context) -> Decision:
    """Keep and pass on how the safe launch went."""
    body = message.body
    assert isinstance(body, esi.SafeLaunchOutcome)
    event = Event.SAFE_LAUNCH_SUCCEEDED if body.success else Event.SAFE_LAUNCH_FAILED
    return _reported(message, context, body, event, Stage.SAFE_LAUNCH)


def _reported(
    message: PartnerMessage,
    context: Context,
    body: esi.PilotOutcome | esi.SafeLaunchOutcome,
    event: Event,
    stage: Stage,
) -> Decision:
    report = StageReport(body.release_id, stage, body.success, body.counts, body.commentary, context.now)
    keep = partial(rollout.put_report, report=report)
    return happened(message, context, body.release_id, event, Said(body.commentary, body), keep)
