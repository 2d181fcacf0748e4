"""How a dry run differs from the normal path: a signature may be missing, and the answer has none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from duis_gateway.duis.responses import render_service_response, response_to
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.envelope import signature
from duis_gateway.envelope.parse import Document
from duis_gateway.errors import HttpRefused, NotEntitled
from duis_gateway.flow.message import Authorised, Received, Verified
from duis_gateway.flow.profiles import PROFILES
from duis_gateway.flow.reply import Reply, ServiceAnswer
from duis_gateway.namespaces import ds, sr

CHECKED = ("11.5", "11.6")
"""The Service Requests whose answer can be asked for in advance, by service reference."""


def has_signature(received: Received) -> bool:
    """Whether a document claims to be signed."""
    return received.root.find(ds("Signature")) is not None


def take_as_signed(received: Received) -> Verified:
    """Treat a document without a signature as what it would be once its originator has signed it.

    Raises:
        NotAuthenticated: nobody can sign it.
        NotValid: it carries no identity.
    """
    document = Document(signature.content_of(received.root))
    identity = PROFILES[received.incoming.door].originator(document.beginning)
    digest = hashlib.sha256(document.content).digest()
    return Verified(received.incoming, received.received_at, document, digest, identity)


def check_askable(verified: Verified, party: int) -> None:
    """Let a party ask only about its own requests, and only about those that change something.

    Raises:
        NotEntitled: the request is another party's.
        HttpRefused: it is for another service.
    """
    if verified.identity.originator != party:
        raise NotEntitled("The request is from another party than the token's.")
    reference = verified.document.beginning.findtext(f"{sr('Header')}/{sr('ServiceReference')}")
    if reference is not None and reference.strip() not in CHECKED:
        raise HttpRefused(f"Only {' and '.join(CHECKED)} can be checked; just send any other request.")


@dataclass(frozen=True, slots=True)
class Foretold:
    """The Service Response that a request would get, and what its code means for this request, if there is more."""

    response: bytes
    explanation: str | None = None


def foretold(authorised: Authorised, reply: Reply) -> Foretold:
    """Return the Service Response that a request would get, unsigned."""
    request = authorised.message
    assert isinstance(request, ServiceRequest)
    assert isinstance(reply, ServiceAnswer)
    response = response_to(request, reply.code, authorised.received_at, warning=reply.warning)
    return Foretold(render_service_response(response), reply.explanation)
