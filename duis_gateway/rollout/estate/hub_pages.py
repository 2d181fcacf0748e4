"""A party's hubs a page at a time, by what is asked for: for people who look, whatever the size of the estate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from duis_gateway.duis.identifiers import parse_eui, to_signed
from duis_gateway.parties.records import Party
from duis_gateway.rollout.deadlines.scopes import live_releases, scope_of
from duis_gateway.rollout.eligibility import is_hub, is_hub_sql
from duis_gateway.rollout.estate.eligible_hubs import Scope, touched_sql
from duis_gateway.rollout.estate.hub_by_hub import EstateReader
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.hubs.store import HUB_COLUMNS
from duis_gateway.store.tables import device_model, hub

PAGE = 100
_AT_ONCE = 1_000
_STRETCH = 5_000
_LOOKED_AT = 5_000
_READ = 20_000
_NAMED = frozenset({HubState.FAILED, HubState.INSTRUCTED, HubState.BATCH})
"""States that a hub is in only where something names it: these hubs are looked at alone."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class WantedHubs:
    """Which hubs are looked for; None: whatever it is. `after`: the hub to go on behind, in the database's order.

    `release` is the one that has a hub next, `state` how it stands under that (as in the columns of the estate).
    """

    manufacturer: str | None = None
    model: str | None = None
    firmware_version: str | None = None
    status: str | None = None
    csp_region: str | None = None
    release: str | None = None
    state: HubState | None = None
    after: int | None = None

    @property
    def is_of_a_kind(self) -> bool:
        """Whether something is asked for that the inventory says, and an index with it."""
        return any((self.manufacturer, self.model, self.firmware_version, self.status, self.csp_region))

    @property
    def is_judged(self) -> bool:
        """Whether hubs have to be planned before it is known which are wanted."""
        return self.state is not None or self.release is not None

    def fits(self, row: Row) -> bool:
        """Whether a row of the estate is wanted, as far as planning decides."""
        return self.state in (None, row["state"]) and self.release in (None, row["release"])


@dataclass(frozen=True, slots=True)
class FoundHubs:
    """Rows of the estate. `further`: the hub to go on behind, None at the end; fewer than a page may be found."""

    rows: Sequence[Row]
    further: int | None = None


def hub_page(conn: Connection, party: Party, now: datetime, wanted: WantedHubs) -> FoundHubs:
    """Return a page of a party's hubs as rows of `hub_by_hub.ESTATE_COLUMNS`.

    At most some thousand are looked at; where fewer than a page of them are wanted, the next page goes on from there.
    """
    reader = EstateReader(conn, party, now)
    rows: list[Row] = []
    looked, read = 0, 0
    for chunk in _chunks(conn, scope_of(party), wanted):
        needed = chunk.own if wanted.is_judged else chunk.own[: PAGE + 1 - len(rows)]
        rows += [row for row in reader.rows(needed) if wanted.fits(row)]
        if len(rows) > PAGE:
            return FoundHubs(rows[:PAGE], parse_eui(str(rows[PAGE - 1]["device_id"])))
        looked, read = looked + len(chunk.own), read + chunk.read
        if chunk.to is not None and (len(rows) == PAGE or looked >= _LOOKED_AT or read >= _READ):
            return FoundHubs(rows, chunk.to)
    return FoundHubs(rows)


class _Chunk(NamedTuple):
    """Some hubs of an estate. `read`: how many were read for it, `to`: up to which hub; None at the end."""

    own: list[Hub]
    read: int
    to: int | None


def _chunks(conn: Connection, scope: Scope, wanted: WantedHubs) -> Iterator[_Chunk]:
    """Yield an estate's hubs in the database's order, by the way on which the next are found soonest.

    Of whoever has a good part of all hubs, the next hundred lie among the next few thousand that there are; of whoever
    has few, all are sorted faster than they are found there. To sort a large supplier's millions would take seconds.
    """
    releases = None
    if wanted.state in _NAMED:
        releases = [one.release_id for one in live_releases(conn) if wanted.release in (None, one.release_id)]
    if not wanted.is_of_a_kind:
        chunk = _stretch(conn, scope, releases, wanted.after)
        if len(chunk.own) >= PAGE or chunk.to is None:
            yield chunk
            while chunk.to is not None:
                chunk = _stretch(conn, scope, releases, chunk.to)
                yield chunk
            return
    conditions = _conditions(wanted, releases)
    after = wanted.after
    while True:
        own = _sorted(conn, scope, conditions, after, _AT_ONCE)
        after = own[-1].device_id if len(own) == _AT_ONCE else None
        yield _Chunk(own, len(own), after)
        if after is None:
            return


def _stretch(conn: Connection, scope: Scope, releases: list[str] | None, after: int | None) -> _Chunk:
    """Return the estate's part of the next hubs of the inventory, or of those that something under releases names."""
    ids = hub.c.device_id if releases is None else touched_sql(releases).subquery().c.device_id
    behind = () if after is None else (ids > after,)
    found = conn.execute(select(ids).where(*behind).order_by(ids).limit(_STRETCH)).scalars().all()
    known = hubs.get_many(conn, found)
    own = [known[one] for one in found if one in known and is_hub(known[one]) and scope.has(known[one])]
    return _Chunk(own, len(found), found[-1] if len(found) == _STRETCH else None)


def _conditions(wanted: WantedHubs, releases: list[str] | None) -> list[ColumnElement[bool]]:
    given = (
        (device_model.c.manufacturer, wanted.manufacturer),
        (device_model.c.model, wanted.model),
        (hub.c.firmware_version, wanted.firmware_version),
        (hub.c.status, wanted.status),
        (hub.c.csp_region, wanted.csp_region),
    )
    found = [is_hub_sql(), *(column == value for column, value in given if value is not None)]
    return found if releases is None else [*found, hub.c.device_id.in_(touched_sql(releases))]


def _sorted(
    conn: Connection, scope: Scope, conditions: Sequence[ColumnElement[bool]], after: int | None, number: int
) -> list[Hub]:
    """Return the next hubs of an estate that fit these conditions, each once."""
    behind = () if after is None else (hub.c.device_id > after,)
    found = []
    for whose in scope.passes():
        query = (
            select(*HUB_COLUMNS)
            .join_from(hub, device_model, device_model.c.id == hub.c.model_id)
            .where(*whose, *conditions, *behind)
            .order_by(hub.c.device_id)
            .limit(number)
        )
        found.append([Hub(*row) for row in conn.execute(query)])
    return list(islice(merge(*found, key=lambda one: to_signed(one.device_id)), number))
