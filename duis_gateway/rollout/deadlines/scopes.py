"""Whose hubs a party may look at, and what is in flight."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Release, ReleaseState


def scope_of(party: Party) -> Scope:
    """Return the hubs that are a party's affair: a supplier's own, a CSP's by region, all for DCC."""
    match party.kind:
        case PartyKind.SUPPLIER:
            return Scope(supplier=party.eui)
        case PartyKind.CSP:
            return Scope(regions=party.regions)
        case PartyKind.DCC:
            return Scope()


def viewer_of(party: Party) -> int | None:
    """Return for whose eyes plans are to be explained: a supplier's own, None for those who may read everything."""
    return party.eui if party.kind is PartyKind.SUPPLIER else None


def live_releases(conn: Connection) -> list[Release]:
    """Return the releases under which hubs are instructed and updated, the newest notice first."""
    return [release for release in releases.all_releases(conn) if release.state.is_live]


def given_way(conn: Connection) -> list[Release]:
    """Return the releases whose place a successor takes that is in flight, the newest notice first.

    Their pilot was invalidated by its approval, or they were superseded while it was there.
    """
    every = releases.all_releases(conn)
    return [one for one in every if one.state is ReleaseState.INVALIDATED or _superseded_lately(conn, one, every)]


def _superseded_lately(conn: Connection, release: Release, every: Sequence[Release]) -> bool:
    if release.state is not ReleaseState.SUPERSEDED:
        return False
    ended = history.newest(conn, release.release_id, Event.SUPERSEDED)
    model = (release.manufacturer, release.model)
    successors = [one for one in every if one.state.is_live and (one.manufacturer, one.model) == model]
    return ended is not None and any(one.notified_at <= ended.at for one in successors)


def with_departures(conn: Connection) -> list[Release]:
    """Return the releases of which it is shown how hubs departed from their plan: open ones, and superseded lately."""
    return [*open_releases(conn), *(one for one in given_way(conn) if one.state.is_over)]


def open_releases(conn: Connection) -> list[Release]:
    """Return the releases that are not over, those included on which DCC has to decide, the newest notice first."""
    return [release for release in releases.all_releases(conn) if not release.state.is_over]
