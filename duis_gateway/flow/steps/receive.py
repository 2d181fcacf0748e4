"""Receive: from bytes to a parsed document whose size and shape are harmless (threats T01 to T10)."""

from __future__ import annotations

from datetime import datetime

from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.flow.incoming import Incoming
from duis_gateway.flow.message import Received
from duis_gateway.flow.profiles import PROFILES


def receive(incoming: Incoming, limits: ShapeLimits, now: datetime) -> Received:
    """Parse a message under the caps for its door and body.

    Raises:
        TooLarge: over the limit for one message.
        NotSafeXml: not well-formed, not UTF-8, a DTD or processing instruction, or over a cap.
    """
    root = parse_document(incoming.body, limits, PROFILES[incoming.door].element_caps)
    return Received(incoming, root, now)
