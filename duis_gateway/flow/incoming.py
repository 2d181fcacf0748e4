"""A message as a door passes it to the flow: the bytes, and where they came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Door(StrEnum):
    """The public doors that take messages (design section 4)."""

    DUIS = "duis"
    CSP = "csp"
    ESI = "esi"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it came in; nothing in it is trusted yet.

    `service_url` is the last part of the path it was posted to: "serviceD", "serviceS" or "serviceT" on the DUIS door,
    "soap" if `body` was cut out of a SOAP envelope, "messages" on the CSP and ESI doors. `correlation_id` is the
    gateway's own name for this exchange; it is never taken from the sender. `notes` is where the steps write what the
    log should say about the message, once it is proven. `organisations` are those in the TLS client certificate; None
    if the originator is not bound to them.
    """

    door: Door
    service_url: str
    body: bytes
    correlation_id: str
    notes: dict[str, object] = field(default_factory=dict, compare=False)
    organisations: frozenset[str] | None = None
