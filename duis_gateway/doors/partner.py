"""The doors of the partners: the CSP Management Gateway interface, and DCC's Enterprise Systems Interface (ESI)."""

from __future__ import annotations

from duis_gateway.doors.handler import Handler
from duis_gateway.doors.http import Route
from duis_gateway.doors.messages import message_route
from duis_gateway.flow.incoming import Door

CSP_PATH = "/csp-mgmt-gw/v1/messages"
ESI_PATH = "/esi/v1/messages"


def partner_routes(handler: Handler, size_limit: int) -> list[Route]:
    """Return the routes for the CSPs and for DCC."""
    return [
        message_route(CSP_PATH, Door.CSP, handler, size_limit),
        message_route(ESI_PATH, Door.ESI, handler, size_limit),
    ]
