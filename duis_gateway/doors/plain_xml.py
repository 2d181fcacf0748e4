"""The DUIS door, plain XML: the three web services that a user's adapter posts Service Requests to (facts section 2).

The rules know which of them a request belongs to (E13); the door only says where it came in.
"""

from __future__ import annotations

from duis_gateway.doors.handler import Handler
from duis_gateway.doors.http import Route
from duis_gateway.doors.messages import message_route
from duis_gateway.flow.incoming import Door

PATHS = ("/api/v1/serviceD", "/api/v1/serviceS", "/api/v1/serviceT")
"""Non-Device, Send Command and Transform."""


def duis_routes(handler: Handler, size_limit: int) -> list[Route]:
    """Return the routes of the plain XML door."""
    return [message_route(path, Door.DUIS, handler, size_limit) for path in PATHS]
