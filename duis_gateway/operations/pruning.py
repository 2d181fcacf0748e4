"""Removes what is old and of use to nobody any more, in small steps, while gateways run on the same database.

Bodies go, rows stay: the body of a message that was delivered, and the bytes of one that was received. Identities are
used up for ever (threat T39), and answers stay whole, since a repeat is answered with them whenever it comes; so do
messages that wait, dead letters, and everything that the rules read. Of a list that came in parts and was never
completed the parts themselves go, and so do the notes of hubs that have left an estate, and the events of hubs'
history.

What is not in the audit log's chain yet is not pruned: what waits is sealed first, and the log says what is to go.

Each step reads without writing, and then writes a little in a transaction of its own, in which it looks again. What is
broken off can be begun anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Table, and_, delete, func, join, select, update

from duis_gateway.audit import recording
from duis_gateway.audit.sealing import seal_all
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hubs import freshness
from duis_gateway.store.bulk import Progress
from duis_gateway.store.engine import Store, now_seconds
from duis_gateway.store.tables import (
    message_part,
    outbox,
    partner_message,
    partner_message_evidence,
    service_request,
    service_request_evidence,
)

_READ_AT_ONCE = 1000
_ROWS_AT_ONCE = 500
_OCTETS_AT_ONCE = 4 * 1024 * 1024
_LONGEST_PAUSE = 1.0


class What(StrEnum):
    """What can be pruned."""

    DELIVERED = "delivered"  # the bodies of messages that were delivered
    EVIDENCE = "evidence"  # the bytes of messages that were received
    PARTS = "parts"  # parts of lists that were never completed
    DEPARTED = "departed"  # which hubs have left whose estate, as `changed-since` tells it
    HISTORY = "history"  # what became of hubs' instructions and plans that stand no more


EVERYTHING = frozenset(What)


@dataclass(slots=True)
class Pruned:
    """How many of each were removed, or would be; `octets` of all together."""

    delivered: int = 0
    evidence: int = 0
    lists: int = 0
    parts: int = 0
    departed: int = 0
    events: int = 0
    octets: int = 0

    def count_bodies(self, what: What, number: int) -> None:
        """Count so many bodies of one kind."""
        if what is What.DELIVERED:
            self.delivered += number
        else:
            self.evidence += number


@dataclass(frozen=True, slots=True)
class Pruning:
    """What is to go.

    Attributes:
        store: the database.
        age: only what is older. Of deliveries and parts by the database's clock, of the others by `now`.
        now: business time, by which messages are received and hubs change.
        what: which kinds.
        dry_run: count, and remove nothing.
    """

    store: Store
    age: timedelta
    now: datetime
    what: frozenset[What] = EVERYTHING
    dry_run: bool = False
    progress: Progress = field(default=lambda _done, _whole: None)

    def run(self) -> Pruned:
        """Do it, and return what was done.

        Raises:
            NotDurable: the database was busy for too long, or cannot be written; what was done until then stays done.
        """
        done = Pruned()
        with self.store.read() as conn:
            delivered_before = now_seconds(conn) - self.age.total_seconds()
        kinds = [kind for kind in self._kinds(delivered_before) if kind.what in self.what]
        if kinds and not self.dry_run:
            self._announce(delivered_before)
        with self.store.read() as conn:
            ends = [conn.execute(select(func.max(kind.number))).scalar_one() or 0 for kind in kinds]
        before, whole = 0, sum(ends) or 1
        for kind, end in zip(kinds, ends, strict=True):
            for number in self._along(kind, done):
                self.progress(min(before + number, whole), whole)
            before += end
        if What.PARTS in self.what:
            self._drop_lists(done)
        if What.DEPARTED in self.what:
            self._drop_departures(done)
        if What.HISTORY in self.what:
            self._drop_history(done)
        self.progress(whole, whole)
        return done

    def _announce(self, delivered_before: float) -> None:
        """Have the audit log say what will be gone, once it covers all of that."""
        seal_all(self.store)
        befores = {
            What.DELIVERED: recording.moment_text(delivered_before),
            What.EVIDENCE: recording.time_text(self.now - self.age),
        }
        with self.store.write(alone=True) as conn:
            items = (recording.pruned(what.value, at) for what, at in befores.items() if what in self.what)
            recording.record(conn, items)

    def _kinds(self, delivered_before: float) -> list[_Kind]:
        received_before = self.now - self.age
        delivered = _Kind(
            What.DELIVERED,
            outbox,
            outbox.c.content,
            outbox,
            outbox.c.id,
            and_(outbox.c.state == "delivered", outbox.c.delivered_at < delivered_before),
        )
        return [
            delivered,
            *(
                _Kind(
                    What.EVIDENCE,
                    evidence,
                    evidence.c.raw,
                    join(message, evidence, evidence.c.message == message.c.id),
                    evidence.c.message,
                    message.c.received_at < received_before,
                )
                for message, evidence in (
                    (service_request, service_request_evidence),
                    (partner_message, partner_message_evidence),
                )
            ),
        ]

    # --- bodies -------------------------------------------------------------------------------------------------

    def _along(self, kind: _Kind, done: Pruned) -> Iterator[int]:
        """Walk along the rows by their numbers, and yield how far it is."""
        after = 0
        while True:
            with self.store.read() as conn:
                rows = conn.execute(kind.window(after)).all()
            if not rows:
                return
            for few in _portions([row for row in rows if row.old and row.size]):
                number = len(few) if self.dry_run else self._empty(kind, [row.number for row in few])
                done.count_bodies(kind.what, number)
                done.octets += sum(row.size for row in few)
            after = rows[-1].number
            yield after

    def _empty(self, kind: _Kind, numbers: list[int]) -> int:
        with _in_turns(), self.store.write(alone=True) as conn:
            return kind.empty(conn, numbers)

    # --- departures ---------------------------------------------------------------------------------------------

    def _drop_departures(self, done: Pruned) -> None:
        until = self.now - self.age
        if self.dry_run:
            with self.store.read() as conn:
                done.departed = freshness.count_old_departures(conn, until)
            return
        while True:
            with self.store.read() as conn:
                few = freshness.old_departures(conn, until, _ROWS_AT_ONCE)
            if not few:
                return
            with _in_turns(), self.store.write(alone=True) as conn:
                done.departed += freshness.forget_departures(conn, few, until)

    # --- history ------------------------------------------------------------------------------------------------

    def _drop_history(self, done: Pruned) -> None:
        until = self.now - self.age
        if self.dry_run:
            with self.store.read() as conn:
                done.events = events.count_old(conn, until)
            return
        while True:
            with self.store.read() as conn:
                number = events.oldest(conn, until)
            if number is None:
                return
            with _in_turns(), self.store.write(alone=True) as conn:
                done.events += events.forget(conn, number)

    # --- parts --------------------------------------------------------------------------------------------------

    def _drop_lists(self, done: Pruned) -> None:
        with self.store.read() as conn:
            stale = conn.execute(_stale_lists(now_seconds(conn) - self.age.total_seconds())).all()
        for one in stale:
            if self.dry_run or self._drop_list(one.sender, one.list_id):
                done.lists += 1
                done.parts += one.parts
                done.octets += one.size

    def _drop_list(self, sender: int, list_id: str) -> bool:
        """Remove one list, unless a part of it has come, or comes just now (its reader holds the parts)."""
        own = and_(message_part.c.sender == sender, message_part.c.list_id == list_id)
        with _in_turns(), self.store.write(alone=True) as conn:
            before = now_seconds(conn) - self.age.total_seconds()
            held = conn.execute(select(message_part.c.kept_at).where(own).with_for_update(skip_locked=True)).all()
            there = conn.execute(select(func.count()).select_from(message_part).where(own)).scalar_one()
            if len(held) < there or any(row.kept_at >= before for row in held):
                return False
            return conn.execute(delete(message_part).where(own)).rowcount > 0


@dataclass(frozen=True, slots=True)
class _Kind:
    """One sort of body: in which column it stands, how its rows are walked along, and which of them are old."""

    what: What
    table: Table
    body: ColumnElement[bytes]
    source: FromClause
    number: ColumnElement[int]
    old: ColumnElement[bool]

    def window(self, after: int) -> Any:
        size = func.length(self.body).label("size")
        columns = (self.number.label("number"), size, self.old.label("old"))
        chosen = select(*columns).select_from(self.source).where(self.number > after)
        return chosen.order_by(self.number).limit(_READ_AT_ONCE)

    def empty(self, conn: Connection, numbers: Sequence[int]) -> int:
        """Nothing that is old becomes young again, so only what another has emptied meanwhile is left out."""
        chosen = (self.number.in_(numbers), func.length(self.body) > 0)
        return conn.execute(update(self.table).where(*chosen).values({self.body: b""})).rowcount


def _portions(rows: Sequence[Row[Any]]) -> Iterator[list[Row[Any]]]:
    """Yield the rows in portions that one short transaction can take."""
    few: list[Row[Any]] = []
    octets = 0
    for row in rows:
        if few and (len(few) == _ROWS_AT_ONCE or octets + row.size > _OCTETS_AT_ONCE):
            yield few
            few, octets = [], 0
        few.append(row)
        octets += row.size
    if few:
        yield few


@contextmanager
def _in_turns() -> Iterator[None]:
    """A step, and as long a pause after it: half of the time at least is left to the gateway."""
    began = time.monotonic()
    yield
    time.sleep(min(time.monotonic() - began, _LONGEST_PAUSE))


def _stale_lists(before: float) -> Any:
    columns = (
        message_part.c.sender,
        message_part.c.list_id,
        func.count().label("parts"),
        func.sum(func.length(message_part.c.content)).label("size"),
    )
    grouped = select(*columns).group_by(message_part.c.sender, message_part.c.list_id)
    return grouped.having(func.max(message_part.c.kept_at) < before)
