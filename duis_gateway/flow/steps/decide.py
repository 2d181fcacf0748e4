"""Decide: let the handler of an authorised message do its work, in the transaction that is open."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from duis_gateway.duis.codes import NO_SUCH_ROLE
from duis_gateway.duis.requests import ServiceRequest
from duis_gateway.flow.interactions import is_served
from duis_gateway.flow.message import Authorised, Decided
from duis_gateway.flow.reply import Reply, ServiceAnswer
from duis_gateway.flow.tx import Tx, refused
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
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

SERVICE_REQUESTS: dict[str, Callable[[ServiceRequest, Tx], ServiceAnswer]] = {
    "8.2": inventory.read_inventory,
    "11.5": pilot_list.submit_preferred_pilot_list,
    "11.6": schedule.submit_preferred_pilot_schedule,
}

PARTNER_MESSAGES: dict[str, Callable[[PartnerMessage, Tx], Acknowledgement]] = {
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
    """Hand the message to its handler; what may not be had is answered without one."""
    message = authorised.message
    if authorised.refusal is not None or authorised.party is None:
        return Decided(authorised, ServiceAnswer(authorised.refusal or NO_SUCH_ROLE))
    tx = Tx(conn, authorised.received_at, lock, authorised.party)
    if isinstance(message, ServiceRequest):
        reply: Reply = SERVICE_REQUESTS[message.service_reference](message, tx)
    else:
        handle = PARTNER_MESSAGES.get(message.body_name)
        if handle is None or not is_served(authorised.incoming.door, message.body_name):
            return Decided(authorised, _not_served(message))
        reply = handle(message, tx)
    return Decided(authorised, reply, tuple(tx.sends), tx.release_changed)


def _not_served(message: PartnerMessage) -> Acknowledgement:
    return refused(message, "NotServed", f"{message.body_name} is not served.")
