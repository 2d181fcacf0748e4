"""What is planned for hubs, and why: for one hub under every live release, or for a whole estate under one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.deadlines.not_told import said_of_hubs
from duis_gateway.rollout.deadlines.scopes import given_way, live_releases
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.estate.other_models import OtherModels
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import Prospect, and_more, next_prospect
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.rules import Basis, HubPlan, plan_hub
from duis_gateway.rollout.releases.records import Release

PLAN_COLUMNS = (
    "device_id",
    "release",
    "basis",
    "stage",
    "earliest_start",
    "latest_end",
    "due",
    "indicative",
    "held",
    "explanation",
)

HUB_COLUMNS = (*PLAN_COLUMNS[:2], "moves_hub", *PLAN_COLUMNS[2:])
"""Of one hub: whether it is this release, of those in flight, that moves it next."""


def plan_of(conn: Connection, hub: Hub, release: Release, now: datetime, viewer: int | None = None) -> HubPlan:
    """Return what is planned for a hub under a release, as the operator or a supplier may see it."""
    shared = plans.of_release(conn, release, now)
    (facts,) = plans.of_hubs(conn, shared, [hub], viewer)
    return plan_hub(facts)


def plans_and_not_told(
    conn: Connection, hub: Hub, under: Sequence[Release], now: datetime, viewer: int | None = None
) -> list[tuple[Release, HubPlan]]:
    """Return what is planned for a hub under releases; the reason says, too, who was not told of it under each."""
    said = said_of_hubs(conn, [(hub, one.release_id) for one in under], viewer)
    found = []
    for release in under:
        plan, more = plan_of(conn, hub, release, now, viewer), said.get((hub.device_id, release.release_id))
        besides = _besides(conn, hub, release, now, viewer)
        plan = replace(plan, explanation=f"{plan.explanation}{besides}", reason=f"{plan.reason}{besides}")
        if more and plan.basis is not Basis.ACTIVE:
            plan = replace(plan, explanation=f"{plan.explanation}; {more}", reason=f"{plan.reason}; {more}")
        found.append((release, plan))
    return found


def _besides(conn: Connection, hub: Hub, release: Release, now: datetime, viewer: int | None) -> str:
    """Return what there is to say besides the plan's reason, as on the hub's page (`estate.rules.and_more`)."""
    if not release.state.is_live:
        return ""
    model = (hub.manufacturer, hub.model)
    earlier = [one for one in given_way(conn) if (one.manufacturer, one.model) == model]
    chosen, *gone = [
        judged_prospects(conn, plans.of_release(conn, one, now), [hub], viewer)[0] for one in (release, *earlier)
    ]
    before = OtherModels(conn, now, viewer).prospects([hub]).get(hub.device_id, ())
    return and_more(chosen, (*gone, *before))


def releases_for(conn: Connection, hub: Hub) -> list[Release]:
    """Return the releases in flight for the hub's model, the newest first."""
    return [r for r in live_releases(conn) if (r.manufacturer, r.model) == (hub.manufacturer, hub.model)]


def moving(conn: Connection, hub: Hub, now: datetime) -> Release | None:
    """Return the release that moves a hub next, of those in flight for its model; None if none does."""
    prospects = [Prospect(release, plan_of(conn, hub, release, now)) for release in releases_for(conn, hub)]
    chosen = next_prospect(prospects)
    return None if chosen is None or chosen.plan.due is None else chosen.release


def plans_under(
    conn: Connection, release: Release, scope: Scope, now: datetime, viewer: int | None = None
) -> Iterator[tuple[Hub, HubPlan]]:
    """Yield what is planned for each device of the release's model in an estate, however large it is."""
    shared = plans.of_release(conn, release, now)
    for chunk in estate.hubs_of_model(conn, scope, release):
        for facts in plans.of_hubs(conn, shared, chunk, viewer):
            yield facts.hub, plan_hub(facts)


def plan_row(hub: Hub, release: Release, plan: HubPlan) -> Mapping[str, object]:
    """Return a plan as a row of `PLAN_COLUMNS`."""
    return {
        "device_id": format_eui(hub.device_id),
        "release": release.release_id,
        "basis": plan.basis.value,
        "stage": plan.stage and plan.stage.value,
        "earliest_start": plan.period and plan.period.start,
        "latest_end": plan.period and plan.period.end,
        "due": plan.due,
        "indicative": plan.indicative,
        "held": plan.held,
        "explanation": plan.explanation,
    }
