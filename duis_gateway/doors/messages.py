"""A door for signed XML documents: POST one, and the signed answer comes back in the same exchange."""

from __future__ import annotations

from duis_gateway.doors.handler import Handler
from duis_gateway.doors.http import Route
from duis_gateway.doors.wire import XML, Answer, HttpRequest, check_media
from duis_gateway.flow.incoming import Door, Incoming


def message_route(path: str, door: Door, handler: Handler, size_limit: int) -> Route:
    """Return the route of one path; the last part of the path is the service's name. `size_limit` is in bytes."""
    service = path.rpartition("/")[2]

    def serve(request: HttpRequest) -> Answer:
        check_media(request, XML)
        incoming = Incoming(door, service, request.body(size_limit), request.correlation_id)
        return Answer(200, XML, handler(incoming))

    return Route(path, door.value, service, ("POST",), serve)
