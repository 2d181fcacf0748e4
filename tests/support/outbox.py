"""Outbox messages for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.store import ClaimedMessage, Destination, OutboxMessage
from duis_gateway.store.engine import Store

SUPPLIER = 0x90B3D51F30010000  # above 2**63, as many EUIs are
OTHER = 0x00DB1234567890A1
HTTP = Destination(SUPPLIER, "http")

_NUMBERS = count(1)
_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def message(
    content: bytes = b"<x/>", *, recipient: int = SUPPLIER, key: str | None = None, channel: str = "http"
) -> OutboxMessage:
    """A message with an id of its own."""
    return OutboxMessage(
        recipient=recipient,
        channel=channel,
        kind="N66" if key else "N64",
        message_id=f"{uuid4()}:{next(_NUMBERS)}",
        content=content,
        content_type="application/xml",
        release_id="R1",
        device_id=None if key else recipient,
        order_key=key and f"{recipient:016X}/{key}",
        created_at=_AT,
        address="ops@supplier.test" if channel == "email" else None,
    )


def messages(count: int, *, recipient: int = SUPPLIER, key: str | None = None, prefix: str = "") -> list[OutboxMessage]:
    """So many messages with different contents, in order."""
    return [message(f"<{prefix}{n:06d}/>".encode(), recipient=recipient, key=key) for n in range(count)]


def enqueue(store: Store, *wanted: OutboxMessage) -> None:
    """Store messages to be sent."""
    with store.write() as conn:
        outbox.enqueue(conn, wanted)


def claim(
    store: Store, limit: int = 100, *, token: str = "a", lease: float = 60.0, destination: Destination = HTTP
) -> list[ClaimedMessage]:
    """Claim in a transaction of its own."""
    with store.write() as conn:
        return outbox.claim(conn, destination, limit, lease, token)
