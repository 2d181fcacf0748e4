"""What is planned for hubs under a release, as it counts for how they stand: read for some thousand hubs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.rules import Prospect, off_plan
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.void import void_of

Judge = Callable[[Connection, plans.ReleaseFacts, Sequence[Hub], int | None], list[Prospect]]


def prospects_of(
    conn: Connection, shared: plans.ReleaseFacts, hubs: Sequence[Hub], viewer: int | None
) -> list[Prospect]:
    """Return what is planned for each of these hubs, and whether it failed last; not why it is void or off the plan."""
    failed = estate.failed(conn, shared.release.release_id, [hub.device_id for hub in hubs])
    return [
        Prospect(shared.release, plan_hub(facts), facts.hub.device_id in failed)
        for facts in plans.of_hubs(conn, shared, hubs, viewer)
    ]


def judged_prospects(
    conn: Connection, shared: plans.ReleaseFacts, hubs: Sequence[Hub], viewer: int | None
) -> list[Prospect]:
    """Return the same with why what was instructed is void, and how the hub departed from its plan."""
    ids = [hub.device_id for hub in hubs]
    failed = estate.failed(conn, shared.release.release_id, ids)
    told = events.deviations_of(conn, events.deviations(conn, shared.release.release_id), ids)
    found = []
    for facts in plans.of_hubs(conn, shared, hubs, viewer):
        plan = plan_hub(facts)
        device_id = facts.hub.device_id
        off = off_plan(plan, told.get(device_id, ()), viewer)
        found.append(Prospect(shared.release, plan, device_id in failed, void_of(facts, plan), off))
    return found
