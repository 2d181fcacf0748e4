"""How far the sandbox's releases are, whose turn it is, and how each hub stands and why: for its page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.operations.console.hub import OPERATOR
from duis_gateway.operations.console.release import Turn, turn_of
from duis_gateway.rollout.deadlines.not_told import said_of_hubs
from duis_gateway.rollout.deadlines.rules import Task, in_order
from duis_gateway.rollout.deadlines.scopes import given_way
from duis_gateway.rollout.deadlines.view import tasks_of_everybody
from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.estate.hub_by_hub import hub_on_a_page
from duis_gateway.rollout.estate.over import ReleasesOver
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import (
    HubState,
    Prospect,
    and_more,
    and_protected,
    next_prospect,
    state_of,
    why_of,
)
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.rules import Basis
from duis_gateway.rollout.progress.records import Far, Progress
from duis_gateway.rollout.progress.store import Estate, estate_of, how_far, told_of
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import LastWord, last_word
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import HubCounts
from duis_gateway.sandbox import cast
from duis_gateway.sandbox.world import World


@dataclass(frozen=True)
class ReleaseStanding:
    """How far a release is, whose turn it is, and what ended it or keeps it from going on.

    `awaits_decision`: DCC has to decide on it. `successor`: the release in flight that can take its place.
    """

    far: Far
    turns: Sequence[Turn]
    word: LastWord | None
    over: bool
    awaits_decision: bool
    successor: str | None


_DECISIONS = frozenset(
    {
        Task.DECIDE_ON_INVALIDATED_PILOT,
        Task.DECIDE_ON_FAILED_PILOT,
        Task.DECIDE_ON_PAUSE,
        Task.DECIDE_ON_PROPOSED_PAUSE,
        Task.DECIDE_ON_INCIDENT,
    }
)


@dataclass(frozen=True)
class HubStanding:
    """How a hub stands under a release, in a word, and why; `approved`: something can be done with it there."""

    release: str
    state: str
    why: str
    approved: bool


@dataclass(frozen=True)
class Standing:
    """How all of it stands; releases by their ids, hubs by their EUI-64s, as far as a release is for them.

    `nothing`: why nothing is planned for the others.
    """

    releases: Mapping[str, ReleaseStanding]
    hubs: Mapping[str, HubStanding]
    nothing: Mapping[str, str]


def newest_approved(live: Sequence[Release]) -> Release | None:
    """Return of releases in flight, the newest first, the first that is approved; None: none is."""
    return next((one for one in live if one.state is not ReleaseState.NOTIFIED), None)


def hubs_of(conn: Connection) -> dict[int, Hub]:
    """Return the sandbox's hubs as far as the inventory has them as hubs still: DCC, or a load, may change any."""
    own = hubs.get_many(conn, [one.device_id for one in cast.hubs()])
    return {device_id: hub for device_id, hub in own.items() if is_hub(hub)}


def standing_of(world: World) -> Standing:
    """Look at how everything stands: each hub under the release that has it next, and that a command takes for it."""
    now = world.clock.now()
    with world.store.read() as conn:
        every, live, estate = releases.all_releases(conn), releases.live(conn), estate_of(conn)
        far = {one.release_id: _of_release(conn, one, live, estate, now) for one in every}
        stand: dict[str, HubStanding] = {}
        known = hubs_of(conn)
        under = _under(conn, [*live, *given_way(conn)], list(known.values()), now)
        chosen = _next(under)
        not_told = said_of_hubs(conn, [(known[hub], one.release.release_id) for hub, one in chosen.items()])
        protected = protection.protectors(conn, chosen)
        for device_id, prospect in chosen.items():
            release, state = prospect.release, state_of(prospect)
            said = not_told.get((device_id, release.release_id))
            why = f"{_dated(prospect)}{and_more(prospect, under[device_id])}"
            if prospect.plan.basis is Basis.AUTOMATIC_DATE:
                why = f"{why}{and_protected(known[device_id], protected.get(device_id, ()))}"
            why = why if state is HubState.ACTIVATED or not said else f"{why}; {said}"
            approved = release.state is not ReleaseState.NOTIFIED
            stand[format_eui(device_id)] = HubStanding(release.release_id, state, why, approved)
        over, left = ReleasesOver(conn), (hub for hub in known.values() if format_eui(hub.device_id) not in stand)
        nothing = {format_eui(hub.device_id): over.why_nothing(hub) for hub in left}
    return Standing(far, stand, nothing)


def _of_release(
    conn: Connection, one: Release, live: Sequence[Release], estate: Estate, now: datetime
) -> ReleaseStanding:
    tasks = in_order(tasks_of_everybody(conn, one, now))
    model = (one.manufacturer, one.model)
    later = (other for other in live if (other.manufacturer, other.model) == model and other.announced > one.announced)
    successor = newest_approved(list(later))
    return ReleaseStanding(
        how_far(estate, one, told_of(conn, one, now)),
        turn_of(tasks, one.release_id, now),
        last_word(one, history.of_release(conn, one.release_id)),
        one.state.is_over,
        any(task.task in _DECISIONS for task in tasks),
        None if successor is None else successor.release_id,
    )


def counts_of(world: World, release: Release, *, pilot: bool) -> HubCounts:
    """Return how many hubs a release's pilot, or its safe launch, is for, and how many are active and failed last.

    Without a pilot, safe launch is for all of them.
    """
    with world.store.read() as conn:
        far = how_far(estate_of(conn), release, told_of(conn, release, world.clock.now()))
    stage = far.pilot if pilot else far.rest or far.whole
    counted = Progress() if stage is None else stage.whole
    return HubCounts(counted.hubs - counted.passed_by, counted.activated, counted.failed)


def hub_standing(world: World, device_id: int) -> Mapping[str, object] | None:
    """Return how one hub stands, why, and what to do about it, as the gateway's console; None: there is no such hub."""
    with world.store.read() as conn:
        row = hub_on_a_page(conn, OPERATOR, device_id, world.clock.now())
    if row is None:
        return None
    shown = {name: row[name] for name in ("release", "state", "why", "next_step")}
    return {"device": row["device_id"], **shown}


def next_steps(world: World, devices: Iterable[str]) -> Mapping[str, object]:
    """Return what to do about each of some hubs, by their EUI-64s."""
    known = ((one, hub_standing(world, parse_eui(one))) for one in devices)
    return {one: stands["next_step"] for one, stands in known if stands is not None}


def under_next(conn: Connection, live: Sequence[Release], own: Sequence[Hub], now: datetime) -> dict[int, Prospect]:
    """Return what is planned for hubs under the release that has each next, as console and suppliers have it.

    `live`: the releases in flight, the newest first; a hub for whose model none is has no place in the answer.
    """
    return _next(_under(conn, live, own, now))


def _next(under: Mapping[int, Sequence[Prospect]]) -> dict[int, Prospect]:
    found = {hub: next_prospect([one for one in every if one.release.state.is_live]) for hub, every in under.items()}
    return {device_id: one for device_id, one in found.items() if one is not None}


def _under(
    conn: Connection, several: Sequence[Release], own: Sequence[Hub], now: datetime
) -> defaultdict[int, list[Prospect]]:
    """Return what is planned for each hub under each of these releases that is for its model."""
    found: defaultdict[int, list[Prospect]] = defaultdict(list)
    for release in several:
        of_model = [hub for hub in own if (hub.manufacturer, hub.model) == (release.manufacturer, release.model)]
        judged = judged_prospects(conn, plans.of_release(conn, release, now), of_model, None)
        for hub, prospect in zip(of_model, judged, strict=True):
            found[hub.device_id].append(prospect)
    return found


def _dated(prospect: Prospect) -> str:
    """Say why a hub stands so, and when the automatic date is, where that is what is planned."""
    plan, why = prospect.plan, why_of(prospect)
    if plan.period is not None or plan.due is None:
        return why
    return why.replace("automatic date: ", f"automatic date, {plan.due:%Y-%m-%d %H:%M} UTC: ", 1)
