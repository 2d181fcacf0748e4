"""Admit: may this sender speak on this door at all? Asked before the schema, which costs more."""

from __future__ import annotations

from collections.abc import Callable

from duis_gateway.errors import NotEntitled
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.message import Admitted, Verified
from duis_gateway.flow.profiles import PROFILES
from duis_gateway.parties.records import Party, PartyStatus


def admit(verified: Verified, find_party: Callable[[int], Party | None]) -> Admitted:
    """Look the originator up, and send away whoever has no business here.

    On the DUIS door everybody goes on: what a user may not do is told by a signed answer to a request that is valid.

    Raises:
        NotEntitled: on the CSP or ESI door, the sender is not registered for it, or is suspended.
    """
    party = find_party(verified.identity.originator)
    if verified.incoming.door is not Door.DUIS:
        _check_partner(verified.incoming.door, party)
    return Admitted(verified, party)


def _check_partner(door: Door, party: Party | None) -> None:
    kind = PROFILES[door].sender_kind
    if party is None or party.kind is not kind:
        raise NotEntitled(f"The sender is not registered with this gateway as {kind}.")
    if party.status is not PartyStatus.ACTIVE:
        raise NotEntitled(f"{party.name} is suspended.")
