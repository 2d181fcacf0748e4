"""Every handler of the gateway, in one list; routing, guards and documentation of messages follow from it."""

from __future__ import annotations

from collections.abc import Mapping

from duis_gateway.flow.handling import Handler, Takes
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.interactions import INTERACTIONS, Interaction
from duis_gateway.rollout.activations import handle as activations
from duis_gateway.rollout.direct_instructions import handle as direct_instructions
from duis_gateway.rollout.hubs import inventory_update, read_inventory
from duis_gateway.rollout.pilot_lists import default_list
from duis_gateway.rollout.pilot_lists import handle as pilot_lists
from duis_gateway.rollout.releases import handle as releases
from duis_gateway.rollout.releases import notice
from duis_gateway.rollout.rollout_decisions import handle as rollout_decisions
from duis_gateway.rollout.rollout_decisions import incidents, stage_outcomes
from duis_gateway.rollout.schedule_decisions import handle as schedule_decisions
from duis_gateway.rollout.schedules import csp_schedules
from duis_gateway.rollout.schedules import handle as schedules

HANDLERS: tuple[Handler, ...] = (
    read_inventory.read_inventory,
    pilot_lists.submit_preferred_pilot_list,
    schedules.submit_preferred_pilot_schedule,
    default_list.receive_default_pilot_list,
    csp_schedules.receive_default_pilot_schedule,
    csp_schedules.receive_safe_launch_schedule,
    schedule_decisions.receive_schedule_decision,
    activations.register_requests,
    activations.receive_outcomes,
    notice.receive_release,
    releases.approve,
    releases.close,
    releases.supersede,
    stage_outcomes.receive_pilot_outcome,
    stage_outcomes.receive_safe_launch_outcome,
    rollout_decisions.receive_decision,
    rollout_decisions.receive_withdrawal,
    incidents.receive_incident,
    direct_instructions.receive_batch,
    direct_instructions.receive_selection,
    inventory_update.receive_inventory,
)

TAKEN: Mapping[tuple[Door, type], tuple[Handler, Takes]] = {
    (takes.door, takes.body): (handler, takes) for handler in HANDLERS for takes in handler.takes
}
"""What each door takes: the body's class, its handler, and the interactions that it begins."""


def handler_of(door: Door, body: object) -> Handler | None:
    """Return what handles a body that comes in through this door; None: it is not served there."""
    found = TAKEN.get((door, type(body)))
    return found[0] if found else None


def interactions_of(door: Door, body: str) -> tuple[Interaction, ...]:
    """Return the rows that a body with this name begins if it comes in through this door."""
    return tuple(row for row in INTERACTIONS if (door, body) in bodies_of(row.id))


def bodies_of(row: str) -> tuple[tuple[Door, str], ...]:
    """Return what begins an interaction, by door and name; nothing if the gateway begins it by a rule."""
    return tuple((door, kind.__name__) for (door, kind), (_, takes) in TAKEN.items() if row in takes.rows)
