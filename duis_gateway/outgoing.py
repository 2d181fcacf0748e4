"""From what a decision sends to rows of the outbox: alerts, messages and emails as they will go out, signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from uuid import uuid4

from sqlalchemy import Connection

from duis_gateway.decision import Alert, Email, PartnerSend, Send
from duis_gateway.duis.alerts import PreparedAlert, prepare
from duis_gateway.model.identifiers import RequestId
from duis_gateway.model.parties import PartyKind
from duis_gateway.partner_messages import PartnerBody
from duis_gateway.rendering import render_email, render_partner_message
from duis_gateway.signing import Signer
from duis_gateway.store import outbox
from duis_gateway.store.outbox import OutboxMessage

XML = "application/xml"
EMAIL = "message/rfc822"


def partner_message(kind: PartyKind, body: PartnerBody, signer: Signer, at: datetime) -> tuple[str, bytes]:
    """Return a message for a CSP or for DCC, signed, after its MessageID."""
    message_id = str(uuid4())
    return message_id, signer.sign(render_partner_message(kind, message_id, signer.eui, at, body))


def lay_in_outbox(sends: Sequence[Send], conn: Connection, signer: Signer, at: datetime, alert_bytes: int) -> None:
    """Sign what a decision sends and store it to be delivered, in this order."""
    outbox.enqueue(conn, list(_outgoing(sends, conn, signer, at, alert_bytes)))


def _outgoing(
    sends: Sequence[Send], conn: Connection, signer: Signer, at: datetime, alert_bytes: int
) -> Iterator[OutboxMessage]:
    prepared = [
        (send, prepare(send.body, send.recipient, alert_bytes) if isinstance(send, Alert) else ()) for send in sends
    ]
    counters = _counters(conn, prepared)
    for send, alerts in prepared:
        if isinstance(send, Email):
            yield _email(send, at)
            continue
        if isinstance(send, PartnerSend):
            message_id, content = partner_message(send.recipient.kind, send.body, signer, at)
            yield _outbox_message(send, type(send.body).__name__, message_id, content, at, send.ordered)
            continue
        for alert in alerts:
            response_id = RequestId(signer.eui, send.recipient.eui, next(counters[send.recipient.eui]))
            content = signer.sign(alert.render(response_id, at))
            yield _outbox_message(send, alert.sent_code, str(response_id), content, at, alert.kind.ordered)


def _counters(conn: Connection, prepared: list[tuple[Send, tuple[PreparedAlert, ...]]]) -> dict[int, Iterator[int]]:
    """Reserve the ResponseID counters of each recipient in one go, recipients in one order (no deadlocks)."""
    needed: dict[int, int] = defaultdict(int)
    for send, alerts in prepared:
        needed[send.recipient.eui] += len(alerts)
    return {
        recipient: count(outbox.next_counters(conn, recipient, needed[recipient]))
        for recipient in sorted(needed)
        if needed[recipient]
    }


def _outbox_message(
    send: Alert | PartnerSend, kind: str, message_id: str, content: bytes, at: datetime, ordered: bool
) -> OutboxMessage:
    return OutboxMessage(
        recipient=send.recipient.eui,
        channel="http",
        kind=kind,
        message_id=message_id,
        content=content,
        content_type=XML,
        release_id=send.release_id,
        device_id=send.device_id if isinstance(send, Alert) else None,
        order_key=f"{send.recipient.name}/{send.release_id}" if ordered else None,
        created_at=at,
    )


def _email(send: Email, at: datetime) -> OutboxMessage:
    """An email for a party without an address is stored as well: operators see that it could not be sent."""
    message_id = str(uuid4())
    return OutboxMessage(
        recipient=send.recipient.eui,
        channel="email",
        kind=send.kind,
        message_id=message_id,
        content=render_email(send, message_id, at),
        content_type=EMAIL,
        release_id=send.release_id,
        device_id=None,
        order_key=None,
        created_at=at,
        address=send.recipient.email,
    )
