"""What is outstanding about one hub, for the operator: whose turn it is with it, and since when or until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.audience import known
from duis_gateway.rollout.deadlines.asked import DCC
from duis_gateway.rollout.deadlines.not_told import (
    decisions_not_told,
    not_told_of_hub,
    outcomes_not_told,
    plans_not_told,
    told,
    with_news,
)
from duis_gateway.rollout.deadlines.off_plan import deviations
from duis_gateway.rollout.deadlines.rules import (
    CspFacts,
    DccFacts,
    Deadline,
    SupplierFacts,
    Task,
    UndecidedGroup,
    csp_deadlines,
    dcc_deadlines,
    in_order,
    supplier_deadlines,
)
from duis_gateway.rollout.deadlines.scopes import with_departures
from duis_gateway.rollout.deadlines.turns import Turns, asked_of_hub
from duis_gateway.rollout.deadlines.view import (
    automatic_deployment_begun,
    can_be_decided,
    dates_put_back,
    dcc_standing,
)
from duis_gateway.rollout.eligibility import awaits_dcc, fits, runs
from duis_gateway.rollout.estate.departures import Departures
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import HubState, next_prospect, state_of
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.half_instructed import halves_in_vain
from duis_gateway.rollout.plans.store import of_release
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.schedule_decisions import store as says

_OF_A_HUB = (Task.DECIDE_ON_GROUP, Task.UPDATE_REMAINING_HUBS)
"""What a CSP may have to do about one hub; the rest is about all of a region."""


def tasks_of_hub(conn: Connection, hub: Hub, now: datetime) -> tuple[Deadline, ...]:
    """Return what its suppliers, its CSP and DCC have to do about a hub, the most pressing first.

    Each is one of those that are counted under its release (`deadlines.view`).
    """
    asked = asked_of_hub(conn, hub, now)
    found: list[Deadline] = []
    next_by = _moved_next(conn, hub, asked.releases.values(), now)
    moved = any(one.state.is_live and fits(hub, one) for one in asked.releases.values())
    for release in asked.releases.values():
        own = Turns()
        for one in asked.tasks:
            if one.release_id == release.release_id:
                own.add(one, 1)
        found += _of_suppliers(conn, release, hub, own, now)
        found += _of_partners(conn, release, hub, own, now, is_next=release.release_id == next_by)
        if (awaits_dcc(hub, release) and not moved) or (release.paused and fits(hub, release)):
            found += _decision(conn, release, now)
    found += _off_plan(conn, hub, now)
    every = (*told(conn, [replace(one, hubs=0) for one in found]), *_unknown(conn, hub))
    return in_order(with_news(conn, every, asked.releases.keys(), known(conn, hub.suppliers).values(), hub))


def _decision(conn: Connection, release: Release, now: datetime) -> Iterator[Deadline]:
    """Yield what DCC has to decide: on a pause, or on the invalidated pilot of a release whose hub no other moves."""
    for dcc in parties.all_parties(conn, PartyKind.DCC):
        every = dcc_deadlines(release, dcc_standing(conn, release, dcc), now)
        yield from (one for one in every if one.task in (Task.DECIDE_ON_INVALIDATED_PILOT, Task.DECIDE_ON_PAUSE))


def _unknown(conn: Connection, hub: Hub) -> Iterator[Deadline]:
    """Yield what its CSP cannot do as it misses a plan of it, and who misses a decision, the suppliers included.

    Unless the hub runs what that is about; of a decision on the release, whether or not that is over. And which of its
    suppliers does not know what became of it.
    """
    every = [
        one for one in releases.all_releases(conn) if (one.manufacturer, one.model) == (hub.manufacturer, hub.model)
    ]
    names = [one.release_id for one in every if not runs(hub, one)]
    of_hub = {one.id for one in not_told_of_hub(conn, hub, names)}
    csps = _partners(conn, hub)[0]
    suppliers = known(conn, hub.suppliers).values()
    yield from outcomes_not_told(conn, [one.release_id for one in every], suppliers, hub)
    yield from decisions_not_told(conn, names, (*csps, *suppliers), hub.device_id)
    for one in plans_not_told(conn, names, csps):
        if one.not_told and one.not_told.message in of_hub:
            yield one


def _of_suppliers(conn: Connection, release: Release, hub: Hub, own: Turns, now: datetime) -> Iterator[Deadline]:
    put_back = dates_put_back(conn, release)
    for eui, supplier in known(conn, hub.suppliers).items():
        facts = SupplierFacts(
            eui,
            unscheduled=own.unscheduled[eui],
            uninstructed=own.uninstructed[eui],
            awaited=own.awaited[eui],
            awaited_until=own.awaited_until.get(eui),
            able=supplier.can_instruct,
            void=own.void[eui],
            void_until=own.void_until[eui],
            put_back=put_back,
        )
        yield from supplier_deadlines(release, facts, now)


def _moved_next(conn: Connection, hub: Hub, under: Iterable[Release], now: datetime) -> str | None:
    """Return the approved release that moves a hub next, by the rule by which what remains is counted; None: none."""
    approved = [one for one in under if one.state.is_live and one.state is not ReleaseState.NOTIFIED]
    if len(approved) == 1:
        return approved[0].release_id if fits(hub, approved[0]) else None
    every = [one for release in approved for one in judged_prospects(conn, of_release(conn, release, now), [hub], None)]
    chosen = next_prospect(every)
    if chosen is None or state_of(chosen) in (HubState.ACTIVATED, HubState.NOT_PLANNED):
        return None
    return chosen.release.release_id


def _of_partners(
    conn: Connection, release: Release, hub: Hub, own: Turns, now: datetime, *, is_next: bool
) -> Iterator[Deadline]:
    """Yield what its CSP and DCC have to do; `is_next`: the release moves it, once its automatic date has come."""
    in_vain = halves_in_vain(conn, release, now, [hub.device_id])
    waiting = says.undecided(conn, release, hub.device_id, in_vain=in_vain)
    undecided = [one for one in waiting if can_be_decided(one, release, now)]
    groups = tuple(UndecidedGroup(one.supplier, one.group_id, one.starts, one.hubs) for one in undecided)
    csps, dccs = _partners(conn, hub)
    for csp in csps:
        remaining = int(is_next and automatic_deployment_begun(release, now))
        facts = CspFacts(csp.eui, undecided=groups, remaining=remaining, put_back=dates_put_back(conn, release))
        yield from (one for one in csp_deadlines(release, facts, now) if one.task in _OF_A_HUB)
    for dcc in dccs:
        every = dcc_deadlines(release, DccFacts(dcc.eui, void=own.void[DCC]), now)
        yield from (one for one in every if one.task is Task.INSTRUCT_ANEW)


def _partners(conn: Connection, hub: Hub) -> tuple[list[Party], Sequence[Party]]:
    """Return the CSP of a hub's region, and DCC."""
    csps = [one for one in parties.all_parties(conn, PartyKind.CSP) if hub.csp_region in one.regions]
    return csps, parties.all_parties(conn, PartyKind.DCC)


def _off_plan(conn: Connection, hub: Hub, now: datetime) -> Iterator[Deadline]:
    found = Departures(conn, (hub.manufacturer, hub.model), now, None).among([hub]).get(hub.device_id)
    if found is None:
        return
    csps, dccs = _partners(conn, hub)
    for release in (one for one in with_departures(conn) if one.release_id == found.release_id):
        for party in (*csps, *dccs):
            yield from deviations(release, party.kind, party.eui, {found.kind: 1})
