"""A party's hubs a page at a time, by what is asked for: for people who look, whatever the size of the estate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice

from sqlalchemy import ColumnElement, Connection, select

from duis_gateway.duis.identifiers import parse_eui, to_signed
from duis_gateway.parties.records import Party
from duis_gateway.rollout.deadlines.scopes import live_releases, scope_of
from duis_gateway.rollout.eligibility import is_hub_sql
from duis_gateway.rollout.estate.eligible_hubs import Scope, touched_sql
from duis_gateway.rollout.estate.hub_by_hub import EstateReader
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.hubs.store import HUB_COLUMNS
from duis_gateway.store.tables import device_model, hub

PAGE = 100
_AT_ONCE = 1_000
_LOOKED_AT = 5_000
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

    Where planning decides which are wanted, at most some thousand are looked at, and the next page goes on from there.
    """
    scope, conditions = scope_of(party), _conditions(conn, wanted)
    reader = EstateReader(conn, party, now)
    at_once = _AT_ONCE if wanted.is_judged else PAGE
    rows: list[Row] = []
    after, seen = wanted.after, 0
    while seen < _LOOKED_AT:
        chunk = _next(conn, scope, conditions, after, at_once + 1)
        more, chunk = len(chunk) > at_once, chunk[:at_once]
        rows += [row for row in reader.rows(chunk) if wanted.fits(row)]
        if len(rows) > PAGE:
            return FoundHubs(rows[:PAGE], parse_eui(str(rows[PAGE - 1]["device_id"])))
        if not more:
            return FoundHubs(rows)
        after, seen = chunk[-1].device_id, seen + len(chunk)
        if len(rows) == PAGE:
            break
    return FoundHubs(rows, after)


def _conditions(conn: Connection, wanted: WantedHubs) -> list[ColumnElement[bool]]:
    given = (
        (device_model.c.manufacturer, wanted.manufacturer),
        (device_model.c.model, wanted.model),
        (hub.c.firmware_version, wanted.firmware_version),
        (hub.c.status, wanted.status),
        (hub.c.csp_region, wanted.csp_region),
    )
    found = [is_hub_sql(), *(column == value for column, value in given if value is not None)]
    if wanted.state in _NAMED:
        ids = [one.release_id for one in live_releases(conn) if wanted.release in (None, one.release_id)]
        found.append(hub.c.device_id.in_(touched_sql(ids)))
    return found


def _next(
    conn: Connection, scope: Scope, conditions: Sequence[ColumnElement[bool]], after: int | None, number: int
) -> list[Hub]:
    """Return the next hubs of an estate in the database's order, each once."""
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
