"""A supplier's messages, by what it knows itself: numbers of rows would tell how many messages others have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import HttpRefused
from duis_gateway.operations.console import asked, search
from duis_gateway.operations.console.search import Found, Line, Wanted, Way
from duis_gateway.parties.records import Party
from duis_gateway.store.tables import service_request


def is_own(line: Line, supplier: Party) -> bool:
    """Whether a message is to or from this supplier: a partner's message never is, whoever it names."""
    return line.way is not Way.PARTNERS and line.party == supplier.eui


def called(conn: Connection, supplier: Party, identity: str) -> Line | None:
    """Return the supplier's own message of this RequestID, ResponseID or MessageID; None if there is none such."""
    return next((line for line in search.by_identity(conn, identity) if is_own(line, supplier)), None)


def numbered(conn: Connection, supplier: Party, counter: str) -> list[Line]:
    """Return the supplier's requests with this number at their RequestID's end, and what it was sent with it."""
    gateways = select(service_request.c.target).where(service_request.c.originator == supplier.eui).distinct()
    between = [(supplier.eui, one) for one in conn.execute(gateways).scalars()]
    ids = (f"{format_eui(a)}:{format_eui(b)}:{counter}" for one in between for a, b in (one, one[::-1]))
    return [line for line in (called(conn, supplier, one) for one in ids) if line is not None]


def wanted(conn: Connection, supplier: Party, fields: Mapping[str, str]) -> Wanted:
    """Return which messages the fields of a query ask for: `before` is the identity of one, `further` see there.

    Raises:
        HttpRefused: a field cannot be read, or asks for what is not the supplier's own.
    """
    given = {name: value for name, value in fields.items() if name not in ("before", "further")}
    found = replace(asked.wanted(given), party=supplier.eui)
    if found.way is Way.PARTNERS:
        raise HttpRefused("You may not read CSPs' and DCC's messages.")
    further = asked.number(fields.get("further") or "0", "further")
    found = replace(found, looked_through=min(further, _MOST))
    if before := fields.get("before"):
        line = called(conn, supplier, before)
        if line is None:
            raise HttpRefused(f"No message {before[:80]!r} is yours.")
        found = replace(found, before=line.id)
    return found


_MOST = 1_000_000


def look(conn: Connection, wanted: Wanted) -> Found:
    """Return the newest that are wanted, at most a page of them."""
    if not _is_of_the_undelivered(wanted):
        return search.look(conn, wanted)
    pages = replace(wanted, before=wanted.looked_through * search.PAGE)
    return search.undelivered(conn, pages)


def further(fields: Mapping[str, str], wanted: Wanted, found: Found) -> str | None:
    """Return the query for those that follow, None at the end.

    They are the ones before the last on the page; where it is not full, `further` counts how often the search has gone
    on behind that one, a stretch at a time (of what is not delivered: a page).
    """
    if found.further is None:
        return None
    kept = {name: value for name, value in fields.items() if value and name != "further"}
    if found.looked_to is None and not _is_of_the_undelivered(wanted):
        return urlencode({**kept, "before": found.lines[-1].identity})
    return urlencode({**kept, "further": wanted.looked_through + 1})


def _is_of_the_undelivered(wanted: Wanted) -> bool:
    return wanted.way is Way.SENT and wanted.hub is None and wanted.state in search.NOT_DELIVERED
