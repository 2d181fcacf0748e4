"""Decide: apply the rules to an authorised message; what follows is said here, and done in `store`."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from duis_gateway.duis.codes import NO_SUCH_ROLE
from duis_gateway.duis.requests import ServiceRequest
from duis_gateway.flow.context import Context
from duis_gateway.flow.interactions import is_served
from duis_gateway.flow.message import Authorised, Decided
from duis_gateway.flow.reply import Decision, ServiceAnswer
from duis_gateway.partners.messages import Acknowledgement, AcknowledgementStatus, PartnerMessage
from duis_gateway.rollout.activations import handle as activation
from duis_gateway.rollout.direct_instructions import handle as batches
from duis_gateway.rollout.hubs import inventory_update
from duis_gateway.rollout.hubs import read_inventory as inventory
from duis_gateway.rollout.pilot_lists import default_list as defaults
from duis_gateway.rollout.pilot_lists import handle as pilot_list
from duis_gateway.rollout.releases import handle as stages
from duis_gateway.rollout.releases import notice
from duis_gateway.rollout.rollout_decisions import handle as rollout
from duis_gateway.rollout.rollout_decisions import incidents
from duis_gateway.rollout.rollout_decisions import stage_outcomes as process_outcomes
from duis_gateway.rollout.schedule_decisions import handle as schedule_decision
from duis_gateway.rollout.schedules import csp_schedules
from duis_gateway.rollout.schedules import handle as schedule

SERVICE_REQUESTS: dict[str, Callable[[ServiceRequest, Context], Decision]] = {
    "8.2": inventory.read_inventory,
    "11.5": pilot_list.submit_preferred_pilot_list,
    "11.6": schedule.submit_preferred_pilot_schedule,
}

PARTNER_MESSAGES: dict[str, Callable[[PartnerMessage, Context], Decision]] = {
    "FirmwareRelease": notice.receive_release,
    "ReleaseApproval": stages.approve,
    "Closure": stages.close,
    "Supersession": stages.supersede,
    "PilotOutcome": process_outcomes.receive_pilot_outcome,
    "SafeLaunchOutcome": process_outcomes.receive_safe_launch_outcome,
    "RolloutDecision": rollout.receive_decision,
    "Withdrawal": rollout.receive_withdrawal,
    "Incident": incidents.receive_incident,
    "BatchInstruction": batches.receive_batch,
    "PilotSelection": batches.receive_selection,
    "InventoryUpdate": inventory_update.receive_inventory,
    "DefaultPilotList": defaults.receive_default_pilot_list,
    "DefaultPilotSchedule": csp_schedules.receive_default_pilot_schedule,
    "SafeLaunchSchedule": csp_schedules.receive_safe_launch_schedule,
    "ScheduleDecision": schedule_decision.receive_schedule_decision,
    "ActivateFirmwareRequests": activation.register_requests,
    "ActivateFirmwareResponses": activation.receive_outcomes,
    "DistributionOutcomes": activation.receive_outcomes,
}


def decide(authorised: Authorised, conn: Connection, lock: Callable[[Connection, str], None]) -> Decided:
    """Load the facts that the message's rule looks at, and apply the rule; nothing is changed yet."""
    message = authorised.message
    if authorised.refusal is not None or authorised.party is None:
        return Decided(authorised, Decision(ServiceAnswer(authorised.refusal or NO_SUCH_ROLE)))
    context = Context(conn, authorised.party, authorised.received_at, lock)
    if isinstance(message, ServiceRequest):
        return Decided(authorised, SERVICE_REQUESTS[message.service_reference](message, context))
    rule = PARTNER_MESSAGES.get(message.body_name)
    if rule is None or not is_served(authorised.incoming.door, message.body_name):
        return Decided(authorised, Decision(_not_served(message)))
    return Decided(authorised, rule(message, context))


def _not_served(message: PartnerMessage) -> Acknowledgement:
    return Acknowledgement(
        message.message_id, AcknowledgementStatus.REFUSED, "NotServed", f"{message.body_name} is not served."
    )
