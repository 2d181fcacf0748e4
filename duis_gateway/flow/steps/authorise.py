"""Authorise: may this party ask for this, here, and in this way?"""

from __future__ import annotations

from duis_gateway.duis import codes
from duis_gateway.duis.service_requests.request import AnyRequest, ServiceRequest
from duis_gateway.duis.service_requests.table import SERVED
from duis_gateway.flow.message import Authorised, Validated
from duis_gateway.parties.records import Party, PartyKind, PartyStatus

NON_DEVICE_URLS = frozenset({"serviceD", "soap"})


def authorise(validated: Validated, gateway_eui: int) -> Authorised:
    """Decide whether the originator may send this message.

    A message always comes out of here: what a Service Request may not do is told by a signed answer, and who may speak
    on the partners' doors was looked at by `admit`.
    """
    refusal = None
    if isinstance(validated.message, ServiceRequest):
        refusal = _refusal(validated.message, validated.party, validated.incoming.service_url, gateway_eui)
    return Authorised(
        validated.incoming,
        validated.received_at,
        validated.digest,
        validated.identity,
        validated.message,
        validated.party,
        refusal,
    )


def _refusal(request: AnyRequest, party: Party | None, url: str, gateway_eui: int) -> str | None:
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
