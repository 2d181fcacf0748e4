"""Every message that the gateway has taken in or sent, numbered as they were seen, with its bytes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import MessageIdentity, RequestId
from duis_gateway.duis.verdict import Verdict, verdict_in
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import MessageRefused
from duis_gateway.flow import evidence
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.partners.xml import format_time
from duis_gateway.sandbox.cast import GATEWAY, name_of
from duis_gateway.store.engine import Store
from duis_gateway.text.counts import counted

_AT_ONCE = 500
_MOST_REASONS = 3


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
        self._of_outbox: dict[int, int] = {}
        self._newest = 0

    def look(self) -> int:
        """Number what is new; return how many messages there are."""
        with self._lock:
            with self._store.read() as conn:
                new = [*self._come_in(conn), *self._gone_out(conn)]
            # What came in stands before what it brought about, as far as their times are the same.
            for one in sorted(new, key=lambda one: one.at):
                self._seen.append(replace(one, number=len(self._seen) + 1))
                if one.outbox is not None:
                    self._of_outbox[one.outbox] = len(self._seen)
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
        self,
        *,
        since: int = 0,
        before: int | None = None,
        last: int | None = None,
        that: Callable[[Seen], bool] = lambda _: True,
    ) -> list[dict[str, Any]]:
        """Return messages as JSON has them, in order: those after number `since` and before number `before`.

        Of these the `last` ones.
        """
        self.look()
        with self._lock:
            found = [one for one in self._seen[since : None if before is None else before - 1] if that(one)]
        chosen = found if last is None else found[-last:] if last else []
        with self._store.read() as conn:
            sent = self._sent(conn, [one.outbox for one in chosen if one.outbox is not None])
            said = {one.number: _said(conn, one) for one in chosen}
        return [_told(one, sent.get(one.outbox or 0)) | {"said": said[one.number]} for one in chosen]

    def _sent(self, conn: Connection, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return what became of messages that the gateway sent, by their rows."""
        if not rows:
            return {}
        first, last = min(rows), max(rows)
        return {
            one.id: self._became(conn, one)
            for one in outbox_view.entries(conn, after=first - 1, limit=last - first + 1)
        }

    def _became(self, conn: Connection, one: OutboxEntry) -> dict[str, Any]:
        """Tell what became of a message; one that waits untried does so for the error of what was tried before it.

        `error` is None where nothing has failed yet: it is in flight, due, or behind one that is.
        """
        waits = outbox_view.waits_for(conn, one)
        behind = None if waits is None or waits.behind is None else self.number_of(waits.behind)
        cause, error = one.last_error, one.last_error
        if waits is not None:
            own = None if one.last_error is None else f"its own last attempt failed: {one.last_error}"
            cause = own or waits.error or self._error_of(conn, waits.behind)
            before = f"it waits behind message {behind}" if behind else "the recipient is spared, as it failed"
            error = None if cause is None else f"{before}: {cause}"
        return {
            "stands_for": one.stands_for or None,
            "state": one.state,
            "channel": one.channel,
            "attempts": one.attempts,
            "error": error,
            "cause": cause,
            "behind": behind,
        }

    @staticmethod
    def _error_of(conn: Connection, row: int | None) -> str | None:
        """Return what came of the last attempt of one that goes before, which may be just tried again."""
        return next((one.last_error for one in outbox_view.some(conn, [] if row is None else [row])), None)

    def number_of(self, row: int) -> int | None:
        """Return the number of the message that has this row of the outbox; None: it was not seen yet."""
        return self._of_outbox.get(row)

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

    def verdict(self, number: int) -> Verdict | None:
        """Return what a message that came in was answered; None: it was not, or nothing is left of it."""
        with self._lock:
            one = self._seen[number - 1] if 0 < number <= len(self._seen) else None
        if one is None:
            return None
        with self._store.read() as conn:
            return _judged(conn, one)

    def explanation(self, request_id: str) -> str | None:
        """Return what the answer to a Service Request means for it, where that says more than its code."""
        with self._store.read() as conn:
            return evidence.explanation_to(conn, RequestId.parse(request_id))


_NOT_PLAIN = ("E", "W", "Refused", "PartlyAccepted")


def _said(conn: Connection, one: Seen) -> str | None:
    """Return what a message that came in was answered, in words; None where it was taken as it is."""
    if one.identity is None or not one.outcome.startswith(_NOT_PLAIN):
        return None
    judged = _judged(conn, one)
    return None if judged is None else _in_short(judged)


def _in_short(judged: Verdict) -> str:
    reasons = Counter(one.in_words for one in judged.items)
    items = [f"{counted(number, 'item')}: {why}" for why, number in reasons.most_common(_MOST_REASONS)]
    return "; ".join([judged.text, *items])


def _judged(conn: Connection, one: Seen) -> Verdict | None:
    """Return what the answer to a message says, in the words that the gateway has for this one, if any."""
    if one.identity is None or (found := evidence.find_answer(conn, one.identity)) is None:
        return None
    explanation = evidence.explanation_to(conn, one.identity) if isinstance(one.identity, RequestId) else None
    try:
        return verdict_in(parse_trusted(found.answer), explanation)
    except MessageRefused:
        return None


def _told(one: Seen, became: dict[str, Any] | None) -> dict[str, Any]:
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
        "cause": None,
        "behind": None,
        "stands_for": None,
    }
    return told | (became or {})
