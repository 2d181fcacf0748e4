"""Every message that the gateway has taken in or sent, numbered as they were seen, with its bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import MessageIdentity, RequestId
from duis_gateway.flow import evidence
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.partners.xml import format_time
from duis_gateway.sandbox.cast import GATEWAY, name_of
from duis_gateway.store.engine import Store

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One message: come in (`identity`), or sent (`outbox`)."""

    number: int
    sender: int
    recipient: int
    kind: str
    id: str
    at: datetime
    outcome: str
    identity: MessageIdentity | None = None
    outbox: int | None = None


class Traffic:
    """What was seen so far; may be used by any number of threads at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._known: set[MessageIdentity] = set()
        self._newest = 0

    def look(self) -> int:
        """Number what is new; return how many messages there are."""
        with self._lock:
            with self._store.read() as conn:
                new = [*self._come_in(conn), *self._gone_out(conn)]
            # What came in stands before what it brought about, as far as their times are the same.
            for one in sorted(new, key=lambda one: one.at):
                self._seen.append(replace(one, number=len(self._seen) + 1))
            return len(self._seen)

    def _come_in(self, conn: Connection) -> Iterator[Seen]:
        for record in reversed(evidence.history(conn, _AT_ONCE)):
            identity = record.identity
            if identity not in self._known:
                self._known.add(identity)
                sender = identity.originator if isinstance(identity, RequestId) else identity.sender
                yield Seen(
                    0,
                    sender,
                    GATEWAY,
                    record.kind,
                    str(identity),
                    record.received_at,
                    record.outcome,
                    identity=identity,
                )

    def _gone_out(self, conn: Connection) -> Iterator[Seen]:
        while entries := outbox_view.entries(conn, after=self._newest, limit=_AT_ONCE):
            self._newest = entries[-1].id
            for one in entries:
                yield Seen(
                    0, GATEWAY, one.recipient, one.kind, one.message_id, one.created_at, one.state, outbox=one.id
                )

    def messages(
        self, *, since: int = 0, last: int | None = None, that: Callable[[Seen], bool] = lambda _: True
    ) -> list[dict[str, Any]]:
        """Return messages as JSON has them, in order: those after number `since`, and of these the `last` ones."""
        self.look()
        with self._lock:
            found = [one for one in self._seen[since:] if that(one)]
        chosen = found if last is None else found[-last:] if last else []
        with self._store.read() as conn:
            states = self._states(conn, [one.outbox for one in chosen if one.outbox is not None])
        return [_told(one, states.get(one.outbox or 0)) for one in chosen]

    @staticmethod
    def _states(conn: Connection, numbers: Sequence[int]) -> dict[int, OutboxEntry]:
        """Return what became of messages; one that waits untried does so for the error of what was tried before it."""
        if not numbers:
            return {}
        first, last = min(numbers), max(numbers)
        found = outbox_view.entries(conn, after=first - 1, limit=last - first + 1)
        return {one.id: _with_reason(conn, one) for one in found}

    def outbox_row(self, number: int) -> int | None:
        """Return the row of the outbox that a message has which the gateway sent; None: it is no such message."""
        with self._lock:
            return self._seen[number - 1].outbox if 0 < number <= len(self._seen) else None

    def content(self, number: int, *, answer: bool = False) -> tuple[bytes, str] | None:
        """Return the bytes of a message, or of the answer to it, and their kind: "xml" or "email"; None: no such."""
        with self._lock:
            one = self._seen[number - 1] if 0 < number <= len(self._seen) else None
        if one is None:
            return None
        with self._store.read() as conn:
            if one.identity is not None:
                found = evidence.find_answer(conn, one.identity) if answer else None
                raw = (found.answer if found else None) if answer else evidence.evidence_of(conn, one.identity)
                return None if raw is None else (raw, "xml")
            sent = None if answer or one.outbox is None else outbox_view.find(conn, one.outbox)
        return None if sent is None else (sent[1], "email" if sent[0].channel == "email" else "xml")


def _with_reason(conn: Connection, one: OutboxEntry) -> OutboxEntry:
    waits = outbox_view.waits_for(conn, one)
    if waits is None or waits.error is None:
        return one
    before = f"it waits behind outbox {waits.behind}" if waits.behind else "the recipient is spared, as it failed"
    return replace(one, last_error=f"{before}: {waits.error}")


def _told(one: Seen, entry: OutboxEntry | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": one.number,
        "outbox": one.outbox,
        "from": name_of(one.sender),
        "to": name_of(one.recipient),
        "kind": one.kind,
        "id": one.id,
        "at": format_time(one.at),
        "state": one.outcome,
        "channel": "http",
        "attempts": None,
        "error": None,
    }
    if entry is not None:
        told |= {"state": entry.state, "channel": entry.channel, "attempts": entry.attempts, "error": entry.last_error}
    return told
