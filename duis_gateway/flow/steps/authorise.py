"""Authorise: may this party ask for this, here, and in this way?"""

from __future__ import annotations

from duis_gateway.duis import codes
from duis_gateway.duis.requests import ServiceRequest
from duis_gateway.duis.services import SERVED
from duis_gateway.errors import NotEntitled
from duis_gateway.flow.message import Authorised, Validated
from duis_gateway.flow.profiles import PROFILES
from duis_gateway.parties.records import Party, PartyKind, PartyStatus

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


def _refusal(request: ServiceRequest, party: Party | None, url: str, gateway_eui: int) -> str | None:
    """The order is DUIS's access control first, then its checks of the request (duis-facts, section 6)."""
    service = SERVED.get(request.service_reference)
    if party is None or party.kind is not PartyKind.SUPPLIER or not party.roles:
        return codes.NO_SUCH_ROLE
    if party.status is not PartyStatus.ACTIVE:
        return codes.USER_SUSPENDED
    if service is None or not party.roles & service.roles:
        return codes.ROLE_NOT_ENTITLED
    if url not in NON_DEVICE_URLS:
        return codes.WRONG_URL
    if request.command_variant not in service.command_variants:
        return codes.COMMAND_VARIANT
    if request.request_id.target != gateway_eui:
        return codes.NO_SUCH_DEVICE
    return None
