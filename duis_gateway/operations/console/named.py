"""What somebody may mean by a name typed into the field for everything: as it is written anywhere, in either case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, or_, select

from duis_gateway.duis.identifiers import as_typed, eui_as_typed, request_id_as_typed
from duis_gateway.errors import MessageRefused
from duis_gateway.operations.console import asked, search
from duis_gateway.operations.console.groups import Group, groups_of
from duis_gateway.operations.console.search import Line, Way
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.estate.hub_pages import WantedHubs
from duis_gateway.rollout.hub_events.records import OF_DCC, Happened
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.rollout_tables import hub_event
from duis_gateway.store.tables import default_group, default_schedule, instruction

_MOST_GROUPS = 20


class NamedGroup(NamedTuple):
    """A supplier's deployment group of some release."""

    release_id: str
    supplier: int
    group_id: str


class NamedOffer(NamedTuple):
    """A group of a CSP's own schedule for a region."""

    release_id: str
    csp_region: str
    group_id: str


def messages_called(conn: Connection, name: str, *, numbered: bool = True) -> list[Line]:
    """Return the messages of this identity, as DUIS, a partner, the sandbox (`EUI/identity`) or a page's link has it.

    A number alone is that of a message in the outbox, as the pages and `outbox show` call it, where they are `numbered`
    for whoever looks.
    """
    name = as_typed(name)
    found = _of_identity(conn, name)
    sender, slash, rest = name.partition("/")
    eui = eui_as_typed(sender)
    if not found and slash and eui is not None:
        given = _of_identity(conn, rest)
        found = [line for line in given if line.way is Way.SENT or line.party == eui]
    return found or (_numbered(conn, name) if numbered else [])


def _of_identity(conn: Connection, name: str) -> list[Line]:
    """Return the messages of this identity; where none is written so, those that have it in one case throughout."""
    request_id = request_id_as_typed(name)
    written = [str(request_id)] if request_id is not None else [name, name.lower(), name.upper()]
    return next((found for one in dict.fromkeys(written) if (found := search.by_identity(conn, one))), [])


def _numbered(conn: Connection, name: str) -> list[Line]:
    try:
        way, number = asked.message_key(name.lower() if "-" in name else f"{Way.SENT}-{name}")
    except MessageRefused:
        return []
    line = search.find(conn, way, number)
    return [] if line is None else [line]


def releases_called(conn: Connection, name: str) -> list[Release]:
    """Return the release of this name; where none is written so, those that differ by case or hyphens alone."""
    exact = releases.find(conn, name)
    if exact is not None:
        return [exact]
    meant = as_typed(name).casefold()
    return [one for one in releases.all_releases(conn) if as_typed(one.release_id).casefold() == meant]


def groups_called(conn: Connection, name: str, supplier: int | None = None) -> list[NamedGroup]:
    """Return the deployment groups of this name in either case, as `groups_where` does."""
    return groups_where(conn, lambda column: _called(column, name), supplier)


def groups_where(
    conn: Connection, wanted: Callable[[ColumnElement[str]], ColumnElement[bool]], supplier: int | None = None
) -> list[NamedGroup]:
    """Return the deployment groups with such names, those that stand first, the newest first; of one supplier or all.

    Those too of which nothing stands any more, as their release gave way to another: the pages still show them.
    """
    found: dict[NamedGroup, None] = {}
    ended = (hub_event.c.what == Happened.ENDED, hub_event.c.supplier != OF_DCC, hub_event.c.stage.is_not(None))
    for table, which in ((instruction, ()), (hub_event, ended)):
        mine = () if supplier is None else (table.c.supplier == supplier,)
        name = (table.c.release_id, table.c.supplier, table.c.group_id)
        query = select(*name).where(wanted(table.c.group_id), *mine, *which).group_by(*name)
        newest = query.order_by(func.max(table.c.id).desc()).limit(_MOST_GROUPS)
        found |= dict.fromkeys(NamedGroup(*row) for row in conn.execute(newest))
    return list(found)[:_MOST_GROUPS]


def parties_with_names(conn: Connection) -> Mapping[int, str]:
    """Return what parties are called that have a name: CSPs by their regions, and DCC."""
    return {
        one.eui: " ".join((one.kind.upper(), ", ".join(sorted(one.regions)))).strip()
        for one in parties.all_parties(conn)
        if one.kind is not PartyKind.SUPPLIER
    }


def groups_in_full(conn: Connection, wanted: WantedHubs) -> list[tuple[Release, int, Group]]:
    """Return the groups whose hubs are looked for, each with its release and supplier."""
    found = []
    for name in groups_called(conn, wanted.group, wanted.supplier) if wanted.group else ():
        release = releases.find(conn, name.release_id)
        if release is not None and wanted.group == name.group_id and wanted.release in (None, name.release_id):
            every = groups_of(conn, name.release_id, name.supplier)
            found += [(release, name.supplier, one) for one in every if one.group_id == name.group_id]
    return found


def offers_called(conn: Connection, name: str) -> list[NamedOffer]:
    """Return the groups of this name, in either case, of the CSPs' own schedules, newest first."""
    query = (
        select(default_schedule.c.release_id, default_schedule.c.csp_region, default_group.c.group_id)
        .join_from(default_schedule, default_group, default_group.c.schedule_id == default_schedule.c.id)
        .where(_called(default_group.c.group_id, name))
        .order_by(default_group.c.id.desc())
    )
    return [NamedOffer(*row) for row in conn.execute(query.limit(_MOST_GROUPS))]


def _called(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return or_(column == name, func.lower(column) == as_typed(name).lower())
