"""What of its own a supplier may mean by a name that it types: what is called so, and else what is near."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func

from duis_gateway.duis.identifiers import as_typed, eui_as_typed, format_eui
from duis_gateway.operations.console import kinds, named
from duis_gateway.operations.supplier_pages import own_messages
from duis_gateway.operations.supplier_pages.standing import release_of, releases_of
from duis_gateway.parties.records import Party
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.gpfs import hubs_named_by_gpf
from duis_gateway.text.numbers import is_digits
from duis_gateway.text.pages import path_part

_MOST = 20


def places_called(conn: Connection, supplier: Party, name: str) -> Sequence[tuple[str, str]]:
    """Return where a hub, release, group or message of the supplier's own is shown, and what is there."""
    found = [
        (f"/messages/{line.identity}", f"{line.name}, {line.identity}")
        for line in named.messages_called(conn, name, numbered=False)
        if own_messages.is_own(line, supplier)
    ]
    for one in named.releases_called(conn, name):
        if release_of(conn, supplier.eui, one.release_id) is not None:
            found.append((f"/releases/{path_part(one.release_id)}", f"release {one.release_id}"))
    found += map(_place, named.groups_called(conn, name, supplier.eui))
    eui = eui_as_typed(name)
    if eui is None:
        return found or [(f"/messages?{query}", f"your {what}") for query, what in kinds.lists_called(name)]
    if eui == supplier.eui:
        found.append(("", "your own pages"))
    device_id = hubs_named_by_gpf(conn, [eui], supplier).get(eui, eui)
    hub = hubs.get(conn, device_id)
    if hub is not None and supplier.eui in hub.suppliers:
        found.append((f"/hubs/{format_eui(device_id)}", f"hub {format_eui(device_id)}"))
    return found


def places_near(conn: Connection, supplier: Party, name: str) -> Sequence[tuple[str, str]]:
    """Return the same of what begins so, blanks standing for hyphens, or ends with this number."""
    if is_digits(name):
        lines = own_messages.numbered(conn, supplier, name)
        return [(f"/messages/{line.identity}", f"{line.name}, {line.identity}") for line in lines]
    start = _bare(name)
    if not start:
        return []
    found = [
        (f"/releases/{path_part(own.release.release_id)}", f"release {own.release.release_id}")
        for own in releases_of(conn, supplier.eui)
        if _bare(own.release.release_id).startswith(start)
    ]
    return [*found, *map(_place, named.groups_where(conn, lambda column: _begins(column, start), supplier.eui))][:_MOST]


def _begins(column: ColumnElement[str], start: str) -> ColumnElement[bool]:
    return func.lower(func.replace(column, " ", "-")).startswith(start, autoescape=True)


def _place(group: named.NamedGroup) -> tuple[str, str]:
    return f"/releases/{path_part(group.release_id)}#plan", f"group {group.group_id} for {group.release_id}"


def _bare(name: str) -> str:
    return as_typed(name).lower().replace(" ", "-")
