"""What somebody may mean by a name typed into the field for everything: as it is written anywhere, in either case."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select

from duis_gateway.duis.identifiers import RequestId, eui_as_typed, format_eui
from duis_gateway.errors import MessageRefused
from duis_gateway.operations.console import asked, search
from duis_gateway.operations.console.search import Line, Way
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.tables import instruction

_MOST_GROUPS = 20


class NamedGroup(NamedTuple):
    """A supplier's deployment group of some release."""

    release_id: str
    supplier: int
    group_id: str


def messages_called(conn: Connection, name: str) -> list[Line]:
    """Return the messages of this identity, as DUIS, a partner, the sandbox (`EUI/identity`) or a page's link has it.

    A number alone is that of a message in the outbox, as the pages and `outbox show` call it.
    """
    found = _of_identity(conn, name)
    sender, slash, rest = name.partition("/")
    eui = eui_as_typed(sender)
    if not found and slash and eui is not None:
        given = _of_identity(conn, rest)
        found = [line for line in given if line.way is Way.SENT or line.party == eui]
    return found or _numbered(conn, name)


def _of_identity(conn: Connection, name: str) -> list[Line]:
    """Return the messages of this identity; where none is written so, those that have it in small letters."""
    return search.by_identity(conn, _as_stored(name)) or search.by_identity(conn, name.lower())


def _as_stored(name: str) -> str:
    """Return a RequestID as it is stored, however its EUI-64s are written; anything else as it is."""
    euis, _, counter = name.rpartition(":")
    places = (place for place, character in enumerate(euis) if character == ":")
    halves = ((eui_as_typed(euis[:place]), eui_as_typed(euis[place + 1 :])) for place in places)
    for originator, target in halves:
        if originator is not None and target is not None:
            name = f"{format_eui(originator)}:{format_eui(target)}:{counter}"
            break
    try:
        return str(RequestId.parse(name))
    except ValueError:
        return name


def _numbered(conn: Connection, name: str) -> list[Line]:
    try:
        way, number = asked.message_key(name.lower() if "-" in name else f"{Way.SENT}-{name}")
    except MessageRefused:
        return []
    line = search.find(conn, way, number)
    return [] if line is None else [line]


def releases_called(conn: Connection, name: str) -> list[Release]:
    """Return the release of this name; where none is written so, those that differ by case alone."""
    exact = releases.find(conn, name)
    if exact is not None:
        return [exact]
    return [one for one in releases.all_releases(conn) if one.release_id.casefold() == name.casefold()]


def groups_called(conn: Connection, name: str, supplier: int | None = None) -> list[NamedGroup]:
    """Return the standing deployment groups of this name in either case, newest first; of one supplier or of all."""
    called = or_(instruction.c.group_id == name, func.lower(instruction.c.group_id) == name.lower())
    query = select(instruction.c.release_id, instruction.c.supplier, instruction.c.group_id).where(called)
    if supplier is not None:
        query = query.where(instruction.c.supplier == supplier)
    return [NamedGroup(*row) for row in conn.execute(query.order_by(instruction.c.id.desc()).limit(_MOST_GROUPS))]
