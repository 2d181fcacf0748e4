"""What the audit log says of messages, and how that is recorded: in the transaction that stores the message itself.

Each transaction lays what it did into `audit_waiting`, where no transaction waits for another; the sealer appends it to
the chain once it is committed (`sealing`). Bodies are named by their SHA-256, so that they can be pruned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, insert

from duis_gateway.duis.identifiers import MessageIdentity, format_eui
from duis_gateway.store.audit_tables import audit_waiting
from duis_gateway.store.engine import database_time
from duis_gateway.text.json_reader import read_json

Item = dict[str, Any]
"""One thing that happened to one message; its first key says what."""

_ITEMS_AN_ENTRY = 200


def record(connection: Connection, items: Iterable[Item]) -> None:
    """Record what the open transaction does, in this order."""
    left = iter(items)
    while few := list(islice(left, _ITEMS_AN_ENTRY)):
        connection.execute(_lay(connection.dialect.name), {"content": canonical(few)})


@cache
def _lay(dialect: str) -> Insert:
    return insert(audit_waiting).values(content=bindparam("content"), recorded_at=database_time(dialect))


def canonical(items: Sequence[Item]) -> str:
    """Return items in the one form in which they are covered: JSON in ASCII, keys in order, no white space."""
    return json.dumps(items, sort_keys=True, separators=(",", ":"))


def items_in(content: str) -> Iterator[Item]:
    """Yield the items of an entry (ValueError: it is no list of items)."""
    listed = read_json(content)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError("not a list of items")
    yield from listed


@lru_cache(maxsize=256)  # all messages of a transaction share theirs, and to write it takes 2.2 us
def time_text(at: datetime) -> str:
    """Return a time as the log writes it: UTC, in microseconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def moment_text(seconds: float) -> str:
    """Return the database's time as the log writes it."""
    return time_text(datetime.fromtimestamp(seconds, UTC))


def digest_of(body: bytes) -> str:
    """Return what names a body."""
    return sha256(body).hexdigest()


# --- what can happen ----------------------------------------------------------------------------------------------


def received(
    identity: MessageIdentity,
    row: int,
    door: str,
    kind: str,
    outcome: str,
    received_at: datetime,
    digest: bytes,
    raw: bytes,
    answer: bytes,
) -> Item:
    """A message has come in and got its answer; `row` is its number in its table, `digest` that of what is signed."""
    return {
        "in": str(identity),
        "row": row,
        "door": str(door),
        "kind": kind,
        "outcome": outcome,
        "at": time_text(received_at),
        "signed": digest.hex(),
        "raw": digest_of(raw),
        "answer": digest_of(answer),
    }


def sent(
    message_id: str,
    recipient: int,
    channel: str,
    address: str | None,
    kind: str,
    release_id: str | None,
    device_id: int | None,
    content: bytes,
    content_type: str,
    created_at: datetime,
) -> Item:
    """A message was laid in the outbox, signed."""
    item: Item = {
        "out": message_id,
        "to": format_eui(recipient),
        "channel": channel,
        "kind": kind,
        "type": content_type,
        "at": time_text(created_at),
        "content": digest_of(content),
    }
    if address is not None:
        item["address"] = address
    if release_id is not None:
        item["release"] = release_id
    if device_id is not None:
        item["device"] = format_eui(device_id)
    return item


def delivered(message_ids: Sequence[str], at: float) -> Item:
    """Messages were accepted by their recipient; database time."""
    return {"delivered": list(message_ids), "at": moment_text(at)}


def not_delivered(message_id: str, at: float, error: str) -> Item:
    """An attempt to deliver failed, and came to this; database time."""
    return {"failed": message_id, "at": moment_text(at), "error": error}


def changed(row: int, at: datetime, action: str, subject: str, remote: str) -> Item:
    """An operator changed something on the console."""
    return {"action": action, "row": row, "at": time_text(at), "subject": subject, "remote": remote}


def pruned(what: str, before: str) -> Item:
    """Bodies of this sort that are older may be gone from now on."""
    return {"pruned": what, "before": before}
