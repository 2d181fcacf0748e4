"""What is planned for hubs under a release, as it counts for how they stand: read for some thousand hubs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.rules import Prospect, off_plan
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import ToldDeviation
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.void import void_of


def judged_prospects(
    conn: Connection,
    shared: plans.ReleaseFacts,
    hubs: Sequence[Hub],
    viewer: int | None,
    deviations: Mapping[int, ToldDeviation] | None = None,
) -> list[Prospect]:
    """Return what is planned for each of these hubs, with why what was instructed is void, and how it left its plan.

    `deviations`: who was told of what under the release, where that was read before (`hub_events.store.deviations`).
    """
    ids = [hub.device_id for hub in hubs]
    if deviations is None:
        deviations = events.deviations(conn, shared.release.release_id)
    failed = estate.failed(conn, shared.release.release_id, ids)
    told = events.deviations_of(conn, deviations, ids)
    tried = activations.last_tried(conn, shared.release.release_id, told) if told else {}
    found = []
    for facts in plans.of_hubs(conn, shared, hubs, viewer):
        plan = plan_hub(facts)
        device_id = facts.hub.device_id
        off = off_plan(plan, told.get(device_id, ()), viewer, tried.get(device_id))
        found.append(Prospect(shared.release, plan, device_id in failed, void_of(facts, plan), off))
    return found
