"""From what a decision sends to outbox rows: alerts, messages and emails as they will go out, signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count

from sqlalchemy import Connection

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.prepare import PreparedAlert, prepare
from duis_gateway.duis.alerts.table import code_of
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.errors import NotAnInteraction
from duis_gateway.flow.interactions import Outbound, goes_out
from duis_gateway.flow.reply import Alert, Email, PartnerSend, Send
from duis_gateway.machine.identities import new_identity
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.emails.outbox_rows import DEFAULT_TERMS, EmailTerms, email_rows
from duis_gateway.outbox.not_arrived import order_key
from duis_gateway.outbox.store import OutboxMessage
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.pki.signer import Signer

XML = "application/xml"
_OCTETS_AT_ONCE = 8 * 1024 * 1024


def partner_message(kind: PartyKind, body: PartnerBody, signer: Signer, at: datetime) -> tuple[str, bytes]:
    """Return a message for a CSP or for DCC, signed, after its MessageID."""
    message_id = new_identity()
    interface = csp.INTERFACE if kind is PartyKind.CSP else esi.INTERFACE
    return message_id, signer.sign(interface.render_message(message_id, signer.eui, at, body))


@dataclass(frozen=True, slots=True)
class Signed:
    """What one send produces for the outbox."""

    send: Alert | PartnerSend
    messages: tuple[OutboxMessage, ...]


def lay_in_outbox(
    sends: Sequence[Send],
    conn: Connection,
    signer: Signer,
    at: datetime,
    alert_bytes: int,
    emails: EmailTerms = DEFAULT_TERMS,
    ahead: Sequence[Signed] = (),
) -> None:
    """Sign what a decision sends and store it to be delivered, in this order.

    What a supplier's DUIS version does not know also goes to it by email. An email for a party without an address is
    not stored: a flag tells the operator. Call this after the decision's changes, which emails show. `ahead` is what
    was signed before, and is used if it is what is sent now.

    Raises:
        NotAnInteraction: the table of interactions does not have it; nothing is stored.
    """
    _hold_to_the_table(sends)
    gathered: list[OutboxMessage] = []
    octets = 0
    if [one.send for one in ahead] == _to_sign(sends):
        signed: Iterator[Signed] = iter(ahead)
    else:
        prepared = prepare_all(sends, alert_bytes)
        signed = sign_all(prepared, reserve_counters(conn, prepared), signer, at)
    for message in chain(
        (each for one in signed for each in one.messages), email_rows(sends, conn, signer.eui, at, emails)
    ):
        gathered.append(message)
        octets += len(message.content)
        if octets > _OCTETS_AT_ONCE:
            outbox.enqueue(conn, gathered)
            gathered, octets = [], 0
    outbox.enqueue(conn, gathered)


def name_of(send: Send) -> str:
    """Return what the table of interactions calls this: an alert's code, a message's body, or "email"."""
    if isinstance(send, Alert):
        return code_of(send.body)
    return "email" if isinstance(send, Email) else type(send.body).__name__


def _hold_to_the_table(sends: Sequence[Send]) -> None:
    for out in {Outbound(send.recipient.kind, name_of(send)) for send in sends}:
        if not goes_out(out):
            raise NotAnInteraction(f"no interaction sends a {out.recipient.value} {out.name}")


def _to_sign(sends: Sequence[Send]) -> list[Alert | PartnerSend]:
    return [send for send in sends if not isinstance(send, Email)]


# --- signing, in the transaction that sends, or before it ---------------------------------------------------------


Prepared = list[tuple[Alert | PartnerSend, tuple[PreparedAlert, ...]]]


def prepare_all(sends: Sequence[Send], alert_bytes: int) -> Prepared:
    """Return what is to be signed, each alert in its parts."""
    return [
        (send, prepare(send.body, send.recipient, alert_bytes) if isinstance(send, Alert) else ())
        for send in _to_sign(sends)
    ]


def reserve_counters(conn: Connection, prepared: Prepared) -> dict[int, Iterator[int]]:
    """Reserve each recipient's ResponseID counters in one go, always in the same order of recipients (no deadlocks)."""
    needed: dict[int, int] = defaultdict(int)
    for send, alerts in prepared:
        needed[send.recipient.eui] += len(alerts)
    return {
        recipient: count(outbox.next_counters(conn, recipient, needed[recipient]))
        for recipient in sorted(needed)
        if needed[recipient]
    }


def sign_all(
    prepared: Prepared, counters: Mapping[int, Iterator[int]], signer: Signer, at: datetime
) -> Iterator[Signed]:
    """Render and sign what was prepared, with the counters that were reserved for it."""
    for send, alerts in prepared:
        if isinstance(send, PartnerSend):
            message_id, content = partner_message(send.recipient.kind, send.body, signer, at)
            row = _outbox_message(send, type(send.body).__name__, message_id, content, at, send.ordered)
            yield Signed(send, (row,))
            continue
        rows = []
        for alert in alerts:
            response_id = RequestId(signer.eui, send.recipient.eui, next(counters[send.recipient.eui]))
            content = signer.sign(alert.render(response_id, at))
            rows.append(_outbox_message(send, alert.sent_code, str(response_id), content, at, alert.kind.ordered))
        yield Signed(send, tuple(rows))


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
        order_key=order_key(send.recipient.name, send.release_id) if ordered else None,
        created_at=at,
    )
