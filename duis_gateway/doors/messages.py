"""The doors for signed XML documents: POST one, and the signed answer comes back in the same exchange.

DUIS has three web services (facts section 2); the rules know which of them a request belongs to (E13), the door only
says where it came in. The CSP Management Gateway interface and DCC's Enterprise Systems Interface have one path each.
"""

from __future__ import annotations

from collections.abc import Callable

from duis_gateway.doors.http import Route
from duis_gateway.doors.wire import XML, Answer, HttpRequest, check_media
from duis_gateway.flow.incoming import Door, Incoming

Handler = Callable[[Incoming], bytes]
"""Takes a message and returns the signed answer, as it goes on the wire: all that a door needs of the flow.

It raises a `MessageRefused` where the message is not taken; anything else that it raises is a defect of ours.
"""

DUIS_PATHS = ("/api/v1/serviceD", "/api/v1/serviceS", "/api/v1/serviceT")
"""Non-Device, Send Command and Transform."""

CSP_PATH = "/csp-mgmt-gw/v1/messages"
ESI_PATH = "/esi/v1/messages"


def duis_routes(handler: Handler, size_limit: int) -> list[Route]:
    """Return the routes of the DUIS door for plain XML; `size_limit` is in bytes."""
    return [_route(path, Door.DUIS, handler, size_limit) for path in DUIS_PATHS]


def partner_routes(handler: Handler, size_limit: int) -> list[Route]:
    """Return the routes for the CSPs and for DCC; `size_limit` is in bytes."""
    return [_route(CSP_PATH, Door.CSP, handler, size_limit), _route(ESI_PATH, Door.ESI, handler, size_limit)]


def _route(path: str, door: Door, handler: Handler, size_limit: int) -> Route:
    """Return the route of one path; the last part of the path is the service's name."""
    service = path.rpartition("/")[2]

    def serve(request: HttpRequest) -> Answer:
        check_media(request, XML)
        body = request.body(size_limit)
        incoming = Incoming(door, service, body, request.correlation_id, request.notes, request.organisations)
        return Answer(200, XML, handler(incoming))

    return Route(path, door.value, service, ("POST",), serve)
