"""Somebody names the GPF of a hub where hubs are named: told is whose it is, so that the hub can be named instead.

Nobody is told of a hub that is not its own: a supplier of those it is responsible for, a CSP of those in its regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.eligibility import responsible
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub


def hubs_named_by_gpf(connection: Connection, ids: Iterable[int], party: Party | None) -> dict[int, int]:
    """Return the hub of each of these devices that is a GPF, of the party's own hubs (None: the operator's, all)."""
    found = hubs.by_gpf(connection, ids)
    return {gpf: hub.device_id for gpf, hub in found.items() if party is None or _is_own(hub, party)}


def _is_own(hub: Hub, party: Party) -> bool:
    if party.kind is PartyKind.SUPPLIER:
        return responsible(hub, party.eui)
    return party.kind is PartyKind.DCC or hub.csp_region in party.regions


def whose(hub: int) -> str:
    """Return what somebody is told who named the GPF of this hub."""
    return f"it is the GPF of hub {format_eui(hub)}: name that hub"


def explained(connection: Connection, items: Sequence[RefusedItem], party: Party) -> tuple[RefusedItem, ...]:
    """Return the refused items of a message, each that is the GPF of a hub with the hub that is to be named."""
    devices = {one.item: device_id for one in items if (device_id := _device(one.item)) is not None}
    found = hubs_named_by_gpf(connection, devices.values(), party) if devices else {}
    if not found:
        return tuple(items)
    named = {item: found[device_id] for item, device_id in devices.items() if device_id in found}
    return tuple(
        replace(one, reason=f"{one.reason}; {whose(named[one.item])}") if one.item in named else one for one in items
    )


def _device(item: str) -> int | None:
    """Return the device that an item is; None where it is something else, such as a group."""
    try:
        return parse_eui(item)
    except ValueError:
        return None
