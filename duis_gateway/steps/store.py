"""Store: the one place where something happens, and all of it in one transaction (design section 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from uuid import uuid4

from sqlalchemy import Connection

from duis_gateway.decision import Alert, Decision, Email, PartnerSend, Send, ServiceAnswer
from duis_gateway.duis.alerts import PreparedAlert, prepare
from duis_gateway.duis.codes import WRONG_URL
from duis_gateway.duis.requests import ServiceRequest
from duis_gateway.duis.responses import render_service_response, response_to
from duis_gateway.model.identifiers import RequestId
from duis_gateway.model.parties import PartyKind
from duis_gateway.partner_messages import Acknowledgement, PartnerBody
from duis_gateway.rendering import render_email, render_partner_message
from duis_gateway.signing import Signer
from duis_gateway.stages import Authorised, Decided
from duis_gateway.store import messages, outbox
from duis_gateway.store.outbox import OutboxMessage

XML = "application/xml"
EMAIL = "message/rfc822"


def store(decided: Decided, conn: Connection, signer: Signer, alert_bytes: int) -> bytes:
    """Record the message with its evidence and answer, make its changes, and lay what is to be sent in the outbox.

    Returns the signed answer; it may be given only after the transaction of `conn` has been committed.
    A request on the wrong URL (E13) is answered and not recorded: the URL is not signed, so that its
    RequestID stays free (design section 5).

    Raises:
        IdentityTaken: somebody recorded the same identity in the meantime.
    """
    authorised, decision = decided.authorised, decided.decision
    answer, outcome = _answer(authorised, decision, signer)
    if authorised.refusal == WRONG_URL:
        return answer
    messages.record(
        conn,
        authorised.identity,
        door=authorised.incoming.door,
        kind=_kind(authorised),
        outcome=outcome,
        received_at=authorised.received_at,
        digest=authorised.digest,
        raw=authorised.incoming.body,
        answer=answer,
    )
    for write in decision.writes:
        write(conn)
    outbox.enqueue(conn, list(_outgoing(decision, conn, signer, authorised.received_at, alert_bytes)))
    return answer


def _kind(authorised: Authorised) -> str:
    message = authorised.message
    return f"SR{message.service_reference}" if isinstance(message, ServiceRequest) else message.body_name


def _answer(authorised: Authorised, decision: Decision, signer: Signer) -> tuple[bytes, str]:
    request, answer = authorised.message, decision.answer
    if isinstance(request, ServiceRequest) and isinstance(answer, ServiceAnswer):
        response = response_to(
            request, answer.code, authorised.received_at, inventory=answer.inventory, warning=answer.warning
        )
        return signer.sign(render_service_response(response)), answer.code
    assert isinstance(answer, Acknowledgement)
    kind = authorised.party.kind if authorised.party else PartyKind.CSP
    content = _partner_message(kind, answer, signer, authorised.received_at)[1]
    return content, answer.status


def _partner_message(kind: PartyKind, body: PartnerBody, signer: Signer, at: datetime) -> tuple[str, bytes]:
    message_id = str(uuid4())
    return message_id, signer.sign(render_partner_message(kind, message_id, signer.eui, at, body))


def _outgoing(
    decision: Decision, conn: Connection, signer: Signer, at: datetime, alert_bytes: int
) -> Iterator[OutboxMessage]:
    prepared = [
        (send, prepare(send.body, send.recipient, alert_bytes) if isinstance(send, Alert) else ())
        for send in decision.sends
    ]
    counters = _counters(conn, prepared)
    for send, alerts in prepared:
        if isinstance(send, Email):
            yield _email(send, at)
            continue
        if isinstance(send, PartnerSend):
            message_id, content = _partner_message(send.recipient.kind, send.body, signer, at)
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
