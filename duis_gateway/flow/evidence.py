"""What has come in: the identities used up, the answers given, and the evidence."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, join, select
from sqlalchemy.dialects import postgresql, sqlite

from duis_gateway.audit import recording
from duis_gateway.duis.identifiers import MessageId, MessageIdentity, RequestId, parse_eui
from duis_gateway.errors import GatewayError
from duis_gateway.store.engine import now_seconds
from duis_gateway.store.tables import (
    message_part,
    partner_message,
    partner_message_evidence,
    service_request,
    service_request_evidence,
)
from duis_gateway.store.upsert import upsert_one


class IdentityTaken(GatewayError):
    """A message with this RequestID or MessageID is already stored; the first one counts (threat T42)."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The digest of the proven content that came first under an identity, and the answer given to it."""

    digest: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """One line of the history: what came in and what became of it."""

    identity: MessageIdentity
    door: str
    kind: str
    outcome: str
    received_at: datetime


class _Place:
    """The statements for one kind of identity, built once: every incoming message runs each of them."""

    def __init__(self, message: Table, evidence: Table, identity: Sequence[str]) -> None:
        chosen = [message.c[name] == bindparam(name, type_=message.c[name].type) for name in identity]
        joined = join(message, evidence, evidence.c.message == message.c.id)
        self.answer = select(message.c.digest, evidence.c.answer).select_from(joined).where(*chosen)
        self.raw = select(evidence.c.raw).select_from(joined).where(*chosen)
        self.number = select(message.c.id).where(*chosen)
        self.insert_evidence = insert(evidence)
        self.insert = {
            name: dialect.insert(message).on_conflict_do_nothing().returning(message.c.id)
            for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
        }


_REQUESTS = _Place(service_request, service_request_evidence, ("originator", "target", "counter"))
_MESSAGES = _Place(partner_message, partner_message_evidence, ("sender", "message_id"))


def find_answer(connection: Connection, identity: MessageIdentity) -> StoredAnswer | None:
    """Return the answer given to the message with this identity; None if there has been none."""
    place, key = _place(identity)
    row = connection.execute(place.answer, key).one_or_none()
    return None if row is None else StoredAnswer(*row)


def record(
    connection: Connection,
    identity: MessageIdentity,
    door: str,
    kind: str,
    outcome: str,
    received_at: datetime,
    digest: bytes,
    raw: bytes,
    answer: bytes,
    explanation: str | None = None,
) -> None:
    """Use up the message's identity, keep the evidence and the answer, and record both for the audit log.

    `explanation`: what the answer's code means for this Service Request, in words; it is part of no message. On
    PostgreSQL this waits for another block that is recording the same identity.

    Raises:
        IdentityTaken: a message with this identity is stored; leave the block and give the stored answer.
    """
    place, key = _place(identity)
    columns = {"door": door, "kind": kind, "outcome": outcome, "received_at": received_at, "digest": digest, **key}
    number = connection.execute(place.insert[connection.dialect.name], columns).scalar_one_or_none()
    if number is None:
        raise IdentityTaken(str(identity))
    more = {} if explanation is None else {"explanation": explanation}
    connection.execute(place.insert_evidence, {"message": number, "raw": raw, "answer": answer, **more})
    came = recording.received(identity, number, door, kind, outcome, received_at, digest, raw, answer)
    recording.record(connection, [came])


def evidence_of(connection: Connection, identity: MessageIdentity) -> bytes | None:
    """Return the message as it came over the wire; None if there has been none, or its bytes were pruned."""
    place, key = _place(identity)
    return connection.execute(place.raw, key).scalar_one_or_none() or None


def explanation_to(connection: Connection, identity: RequestId) -> str | None:
    """Return what the answer to the Service Request with this identity means for it, in words."""
    place, key = _place(identity)
    number = connection.execute(place.number, key).scalar_one_or_none()
    return None if number is None else explanation_of(connection, number)


def explanation_of(connection: Connection, number: int) -> str | None:
    """Return what the answer to a Service Request means for it, in words; `number` is its row's."""
    column = service_request_evidence.c.explanation
    query = select(column).where(service_request_evidence.c.message == number)
    return connection.execute(query).scalar_one_or_none()


def highest_counter(connection: Connection, originator: int, target: int) -> int | None:
    """Return the highest counter that this originator has used towards this target; None if it has used none.

    Counters from 2^63 on are negative in the database, and higher than all others (threat T43).
    """
    of_pair = (service_request.c.originator == originator, service_request.c.target == target)
    highest = select(func.max(service_request.c.counter)).where(*of_pair)
    upper_half = highest.where(service_request.c.counter < 0).scalar_subquery()
    query = select(func.coalesce(upper_half, highest.scalar_subquery(), type_=service_request.c.counter.type))
    highest_of_pair: int | None = connection.execute(query).scalar_one()
    return highest_of_pair


def add_part(
    connection: Connection, sender: int, list_id: str, number: int, of: int, device_ids: Sequence[int]
) -> None:
    """Keep one part of a list that is longer than a message; the same number again replaces it."""
    add_part_content(connection, sender, list_id, number, of, struct.pack(f">{len(device_ids)}Q", *device_ids))


def add_part_content(connection: Connection, sender: int, list_id: str, number: int, of: int, content: bytes) -> None:
    """Keep one part of something longer than a message, as its owner writes it."""
    key = {"sender": sender, "list_id": list_id, "number": number}
    upsert_one(connection, message_part, {**key, "of": of, "content": content, "kept_at": now_seconds(connection)})


def parts(connection: Connection, sender: int, list_id: str) -> dict[int, tuple[int, ...]]:
    """Return the device ids in the parts of a list that have come so far, by part number."""
    found = part_contents(connection, sender, list_id)
    return {number: struct.unpack(f">{len(content) // 8}Q", content) for number, content in found.items()}


def part_contents(connection: Connection, sender: int, list_id: str) -> dict[int, bytes]:
    """Return the parts that have come so far, as they were kept, by their number.

    Until the block ends, nobody else can remove them (PostgreSQL): the reader is about to add the next one.
    """
    query = (
        select(message_part.c.number, message_part.c.content)
        .where(message_part.c.sender == sender, message_part.c.list_id == list_id)
        .with_for_update()
    )
    return {row.number: row.content for row in connection.execute(query)}


def drop_parts(connection: Connection, sender: int, list_id: str) -> None:
    """Forget the parts of a list: it has taken effect."""
    connection.execute(delete(message_part).where(message_part.c.sender == sender, message_part.c.list_id == list_id))


def history(
    connection: Connection, limit: int = 100, *, party: int | None = None, kind: str | None = None
) -> Sequence[MessageRecord]:
    """Return what came in last through all doors, newest first; only one party's, or one kind, if named."""
    requests = _latest(service_request, ("originator", "target", "counter"), limit, party, kind)
    messages = _latest(partner_message, ("sender", "message_id"), limit, party, kind)
    found = [
        *(MessageRecord(RequestId(*row[:3]), *row[3:]) for row in connection.execute(requests)),
        *(MessageRecord(MessageId(*row[:2]), *row[2:]) for row in connection.execute(messages)),
    ]
    return sorted(found, key=lambda record: record.received_at, reverse=True)[:limit]


def find(connection: Connection, reference: str) -> tuple[MessageRecord, bytes, bytes] | None:
    """Return a message by its RequestID, its MessageID, or `sender/MessageID`: as it came, and the answer to it.

    If several senders have used a MessageID, the newest is meant. Bytes that were pruned are empty.
    """
    try:
        request = RequestId.parse(reference)
    except ValueError:
        chosen = [partner_message.c.message_id == reference]
        sender, _, message_id = reference.partition("/")
        with suppress(ValueError):
            chosen = [partner_message.c.sender == parse_eui(sender), partner_message.c.message_id == message_id]
        return _found(
            connection, partner_message, partner_message_evidence, ("sender", "message_id"), chosen, MessageId
        )
    names = ("originator", "target", "counter")
    chosen = [service_request.c[name] == getattr(request, name) for name in names]
    return _found(connection, service_request, service_request_evidence, names, chosen, RequestId)


def _found(
    connection: Connection,
    table: Table,
    evidence: Table,
    names: Sequence[str],
    chosen: Sequence[Any],
    identity: Callable[..., MessageIdentity],
) -> tuple[MessageRecord, bytes, bytes] | None:
    columns = [table.c[name] for name in (*names, *_SHARED)]
    joined = join(table, evidence, evidence.c.message == table.c.id)
    query = select(*columns, evidence.c.raw, evidence.c.answer).select_from(joined).where(*chosen)
    row = connection.execute(query.order_by(table.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    *said, raw, answer = row
    number = len(names)
    return MessageRecord(identity(*said[:number]), *said[number:]), raw, answer


_SHARED = ("door", "kind", "outcome", "received_at")


def _latest(table: Table, identity: Sequence[str], limit: int, party: int | None, kind: str | None) -> Any:
    query = select(*(table.c[name] for name in (*identity, *_SHARED))).order_by(table.c.id.desc()).limit(limit)
    if party is not None:
        query = query.where(table.c[identity[0]] == party)
    return query if kind is None else query.where(table.c.kind == kind)


def _place(identity: MessageIdentity) -> tuple[_Place, dict[str, Any]]:
    """Return the statements for the identity's kind, and the values that make up the identity."""
    if isinstance(identity, RequestId):
        return _REQUESTS, {
            "originator": identity.originator,
            "target": identity.target,
            "counter": identity.counter,
        }
    return _MESSAGES, {"sender": identity.sender, "message_id": identity.message_id}
