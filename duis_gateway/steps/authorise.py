"""Authorise: may this party ask for this, here, and in this way?"""

from __future__ import annotations

from duis_gateway.duis.codes import ResponseCode
from duis_gateway.duis.requests import SERVED, ServiceRequest
from duis_gateway.errors import NotEntitled
from duis_gateway.model.parties import Party, PartyKind, PartyStatus
from duis_gateway.profiles import PROFILES
from duis_gateway.stages import Authorised, Validated


NON_DEVICE_URLS = frozenset({"serviceD", "soap"})


def authorise(validated: Validated, gateway_eui: int) -> Authorised:
    """Decide whether the originator may send this message.

    A Service Request always comes out of here: what it may not do is told by a signed answer. On the CSP
    and ESI doors the refusal comes before authorisation and is unsigned.

    Raises:
        NotEntitled: on the CSP or ESI door, the sender is not registered for it, or is suspended.
    """
    refusal = None
    if isinstance(validated.message, ServiceRequest):
        refusal = _refusal(validated.message, validated.party, validated.incoming.service_url, gateway_eui)
    else:
        _check_partner(validated)
    return Authorised(
        validated.incoming,
        validated.received_at,
        validated.digest,
        validated.identity,
        validated.message,
        validated.party,
        refusal,
    )


def _check_partner(validated: Validated) -> None:
    kind = PROFILES[validated.incoming.door].sender_kind
    if validated.party is None or validated.party.kind is not kind:
        raise NotEntitled(f"The sender is not registered with this gateway as {kind}.")
    if validated.party.status is not PartyStatus.ACTIVE:
        raise NotEntitled(f"{validated.party.name} is suspended.")


def _refusal(request: ServiceRequest, party: Party | None, url: str, gateway_eui: int) -> ResponseCode | None:
    """The order is DUIS's access control first, then its checks of the request (duis-facts, section 6)."""
    service = SERVED.get(request.service_reference)
    if party is None or party.kind is not PartyKind.SUPPLIER or not party.roles:
        return ResponseCode.E1
    if party.status is not PartyStatus.ACTIVE:
        return ResponseCode.E3
    if service is None or not party.roles & service.roles:
        return ResponseCode.E2
    if url not in NON_DEVICE_URLS:
        return ResponseCode.E13
    if request.command_variant not in service.command_variants:
        return ResponseCode.E12
    if request.request_id.target != gateway_eui:
        return ResponseCode.E19
    return None


