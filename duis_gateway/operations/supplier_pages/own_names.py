"""What of its own a supplier may mean by a name that it types: what is called so, and else what is near."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from duis_gateway.duis.identifiers import as_typed, eui_as_typed, format_eui
from duis_gateway.operations.console import kinds, named
from duis_gateway.operations.supplier_pages import own_messages
from duis_gateway.operations.supplier_pages.standing import release_of, releases_of
from duis_gateway.parties.records import Party
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.gpfs import hubs_named_by_gpf
from duis_gateway.store.tables import instruction
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
    for group in named.groups_called(conn, name, supplier.eui):
        where = f"/releases/{path_part(group.release_id)}#plan"
        found.append((where, f"group {group.group_id} for {group.release_id}"))
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
    group = func.lower(func.replace(instruction.c.group_id, " ", "-"))
    query = select(instruction.c.release_id, instruction.c.group_id).where(
        instruction.c.supplier == supplier.eui, group.startswith(start, autoescape=True)
    )
    for release_id, group_id in conn.execute(query.order_by(instruction.c.id.desc()).limit(_MOST)):
        found.append((f"/releases/{path_part(release_id)}#plan", f"group {group_id} for {release_id}"))
    return found[:_MOST]


def _bare(name: str) -> str:
    return as_typed(name).lower().replace(" ", "-")
