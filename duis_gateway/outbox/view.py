"""The outbox as operators see it: lists, single messages, replaying dead letters, and figures for monitoring."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, select, update

from duis_gateway.outbox.retry import was_the_last
from duis_gateway.outbox.stand_ins import BEGINNING, in_full, stands_for
from duis_gateway.outbox.store import Destination
from duis_gateway.store.engine import database_time, now_seconds
from duis_gateway.store.tables import failed_attempt, outbox


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message in the outbox without its content. `next_try_in` is in seconds, None if it is not pending.

    `stands_for` is the code of the alert in whose place an N999 is sent, "" of all else.

    `last_error` is why it has not been delivered so far; for one that has been, see `failed_attempts`.
    """

    id: int
    recipient: int
    channel: str
    address: str | None
    kind: str
    message_id: str
    release_id: str | None
    device_id: int | None
    state: str
    attempts: int
    created_at: datetime
    delivered_at: datetime | None
    next_try_in: float | None
    last_error: str | None
    stands_for: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return in_full(self.kind, self.stands_for)


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A delivery attempt that did not succeed, and its result.

    `before_replay`: the message was given up since, and put back.
    """

    at: datetime
    error: str
    before_replay: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is waiting for one destination; `oldest_age` in seconds since it was stored."""

    pending: int
    oldest_age: float


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """The outbox in figures, by destination, and dead letters by recipient."""

    pending: Mapping[Destination, Backlog]
    in_flight: Mapping[Destination, int]
    dead: Mapping[int, int]

    def left_for(self, recipient: int) -> int:
        """Return how many messages a party has yet to get: those that wait, and those that are tried just now."""
        waiting = sum(one.pending for place, one in self.pending.items() if place.recipient == recipient)
        return waiting + self.tried_now(recipient)

    def tried_now(self, recipient: int) -> int:
        """Return how many messages to a party are in flight."""
        return sum(number for place, number in self.in_flight.items() if place.recipient == recipient)

    @property
    def oldest_age(self) -> float:
        """The age of the oldest pending message in seconds; 0 if none is pending."""
        return max((backlog.oldest_age for backlog in self.pending.values()), default=0.0)


_SHOWN: list[ColumnElement[Any]] = [
    outbox.c[name]
    for name in (
        "id",
        "recipient",
        "channel",
        "address",
        "kind",
        "message_id",
        "release_id",
        "device_id",
        "state",
        "attempts",
        "created_at",
        "due_at",
        "delivered_at",
        "last_error",
    )
] + [BEGINNING]


def entries(
    conn: Connection,
    *,
    recipient: int | None = None,
    state: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[OutboxEntry]:
    """Return messages in the order in which they were stored, starting after the id `after`."""
    statement = select(*_SHOWN).where(outbox.c.id > after).order_by(outbox.c.id).limit(limit)
    if recipient is not None:
        statement = statement.where(outbox.c.recipient == recipient)
    if state is not None:
        # A literal lets the planner use the partial indexes; the value is one of the four states or matches nothing.
        statement = statement.where(outbox.c.state == state)
    now = now_seconds(conn)
    return [_entry(row, now) for row in conn.execute(statement)]


_LOOKED_AT = 100


def last_error(conn: Connection, state: str, recipient: int, channel: str | None = None) -> str | None:
    """Return why messages in this state are not delivered: the result of the first of them that was tried.

    Looks at the recipient's (and channel's) first hundred, so that a million waiting cost no more.
    """
    first = select(outbox.c.last_error).where(outbox.c.state == state, outbox.c.recipient == recipient)
    if channel is not None:
        first = first.where(outbox.c.channel == channel)
    found = conn.execute(first.order_by(outbox.c.id).limit(_LOOKED_AT)).scalars()
    return next((error for error in found if error), None)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The first of a recipient's dead letters: by which channels they went, and how old the oldest is, in seconds."""

    channels: Sequence[str]
    oldest_age: float


def given_up(conn: Connection, recipient: int) -> GivenUp:
    """Return what dead letters a recipient has; looks at its first hundred, as `last_error`."""
    first = select(outbox.c.channel, outbox.c.enqueued_at).where(
        outbox.c.state == _UNDELIVERED["dead"], outbox.c.recipient == recipient
    )
    rows = conn.execute(first.order_by(outbox.c.id).limit(_LOOKED_AT)).all()
    now = now_seconds(conn)
    ages = (now - row.enqueued_at for row in rows)
    return GivenUp(sorted({row.channel for row in rows}), max(0.0, max(ages, default=0.0)))


def failed_attempts(conn: Connection, message: int, limit: int = 100) -> list[FailedAttempt]:
    """Return a message's failed attempts, newest first, including those before a replay."""
    query = (
        select(failed_attempt.c.at, failed_attempt.c.error)
        .where(failed_attempt.c.message == message)
        .order_by(failed_attempt.c.at.desc())
        .limit(limit)
    )
    is_dead = conn.execute(select(outbox.c.state).where(outbox.c.id == message)).scalar_one_or_none() == "dead"
    found: list[FailedAttempt] = []
    before = False
    for row in conn.execute(query):
        # With the newest of a dead letter's it was given up as it stands now.
        before = before or (was_the_last(row.error) and bool(found or not is_dead))
        found.append(FailedAttempt(datetime.fromtimestamp(row.at, UTC), row.error, before))
    return found


def attempts_failed(conn: Connection) -> int:
    """Return how many attempts to deliver have failed so far; reads the whole history of them."""
    return conn.execute(select(func.count()).select_from(failed_attempt)).scalar_one()


def about_hub(conn: Connection, device_id: int, limit: int = 100) -> list[OutboxEntry]:
    """Return the messages of kinds that are about one hub, newest first; those with lists of hubs are not searched."""
    query = select(*_SHOWN).where(outbox.c.device_id == device_id).order_by(outbox.c.id.desc()).limit(limit)
    now = now_seconds(conn)
    return [_entry(row, now) for row in conn.execute(query)]


def undelivered(
    conn: Connection,
    state: str,
    recipient: int | None = None,
    channel: str | None = None,
    *,
    skip: int = 0,
    limit: int = 100,
) -> list[OutboxEntry]:
    """Return what is pending, in flight or dead, by recipient and in the order of claiming; history costs nothing."""
    query = select(*_SHOWN).where(outbox.c.state == _UNDELIVERED[state])
    if recipient is not None:
        query = query.where(outbox.c.recipient == recipient)
    if channel is not None:
        query = query.where(outbox.c.channel == channel)
    in_order = _IN_ORDER[state]
    now = now_seconds(conn)
    return [_entry(row, now) for row in conn.execute(query.order_by(*in_order).offset(skip).limit(limit))]


def waiting(
    conn: Connection, recipient: int | None = None, channel: str | None = None, *, skip: int = 0, limit: int = 100
) -> list[OutboxEntry]:
    """Return what is still to be delivered: first what is in flight, then what is pending, each as `undelivered`."""
    flying = undelivered(conn, "in_flight", recipient, channel, skip=skip, limit=limit)
    if len(flying) == limit:
        return flying
    every = select(func.count()).select_from(outbox).where(outbox.c.state == _UNDELIVERED["in_flight"])
    given = ((outbox.c.recipient, recipient), (outbox.c.channel, channel))
    before = conn.execute(every.where(*(column == one for column, one in given if one is not None))).scalar_one()
    rest = (max(0, skip - before), limit - len(flying))
    return [*flying, *undelivered(conn, "pending", recipient, channel, skip=rest[0], limit=rest[1])]


# A literal lets the planner use the partial indexes, whose order these are in.
_UNDELIVERED: dict[str, ColumnElement[str]] = {
    state: literal_column(f"'{state}'") for state in ("pending", "in_flight", "dead")
}
_IN_ORDER = {
    "pending": (outbox.c.recipient, outbox.c.channel, outbox.c.due_at, outbox.c.id),
    "in_flight": (outbox.c.lease_until,),
    "dead": (outbox.c.recipient, outbox.c.id),
}


def some(conn: Connection, messages: Collection[int]) -> list[OutboxEntry]:
    """Return these messages, by their ids, as far as there are such."""
    now = now_seconds(conn)
    query = select(*_SHOWN).where(outbox.c.id.in_(messages)).order_by(outbox.c.id)
    return [_entry(row, now) for row in conn.execute(query)] if messages else []


def waits_behind(conn: Connection, message: int) -> int | None:
    """Return the oldest undelivered message that has to be delivered before this one; None if there is none."""
    order_key = select(outbox.c.order_key).where(outbox.c.id == message).scalar_subquery()
    query = (
        select(outbox.c.id)
        .where(
            _is_open(),
            outbox.c.order_key == order_key,
            outbox.c.id < message,
        )
        .order_by(outbox.c.id)
        .limit(1)
    )
    return conn.execute(query).scalar_one_or_none()


def ahead_of(conn: Connection, message: int) -> tuple[OutboxEntry, int] | None:
    """Return the oldest undelivered message that has to be delivered before this one, and how many there are in all.

    None if there is none; of more than a thousand, a thousand are counted.
    """
    first = waits_behind(conn, message)
    found = None if first is None else find(conn, first)
    if found is None:
        return None
    order_key = select(outbox.c.order_key).where(outbox.c.id == message).scalar_subquery()
    others = (
        select(outbox.c.id)
        .where(_is_open(), outbox.c.order_key == order_key, outbox.c.id < message)
        .limit(_MOST_COUNTED)
        .subquery()
    )
    return found[0], conn.execute(select(func.count()).select_from(others)).scalar_one()


_MOST_COUNTED = 1_000


def _is_open() -> ColumnElement[bool]:
    return outbox.c.state.in_([_UNDELIVERED["pending"], _UNDELIVERED["in_flight"]])


@dataclass(frozen=True, slots=True)
class Waits:
    """What a pending message waits for: one that goes before it (`behind`), or its recipient, which is being spared.

    `error` is the result of others to this recipient; None if the message itself was tried.
    """

    behind: int | None
    error: str | None


def waits_for(conn: Connection, entry: OutboxEntry) -> Waits | None:
    """Return what a message waits for other than its own next attempt; None if there is nothing."""
    if entry.state != "pending":
        return None
    behind = waits_behind(conn, entry.id)
    untried = entry.last_error is None
    error = last_error(conn, "pending", entry.recipient, entry.channel) if untried else None
    return None if behind is None and error is None else Waits(behind, error)


def find(conn: Connection, reference: int | str) -> tuple[OutboxEntry, bytes] | None:
    """Return one message, by its id, its ResponseID or its MessageID, with the bytes that are sent."""
    wanted = outbox.c.id == reference if isinstance(reference, int) else outbox.c.message_id == reference
    row = conn.execute(select(*_SHOWN, outbox.c.content).where(wanted)).one_or_none()
    return None if row is None else (_entry(row, now_seconds(conn)), row.content)


def replay(conn: Connection, *, message: int | None = None, recipient: int | None = None) -> int:
    """Put dead letters back, due now and with a fresh number of attempts: one, all of a recipient's, or all.

    Why they were given up is no reason for which they wait now; `failed_attempts` keeps it. Returns how many.
    """
    statement = update(outbox).where(outbox.c.state == literal_column("'dead'"))
    if message is not None:
        statement = statement.where(outbox.c.id == message)
    if recipient is not None:
        statement = statement.where(outbox.c.recipient == recipient)
    now = database_time(conn.dialect.name)
    afresh = {"state": "pending", "attempts": 0, "refusals": 0, "last_error": None, "due_at": now}
    return conn.execute(statement.values(afresh)).rowcount


def stats(conn: Connection) -> OutboxStats:
    """Return the figures; reads the indexes of open and dead messages, never the history."""
    now = now_seconds(conn)
    place = (outbox.c.recipient, outbox.c.channel)
    waiting = conn.execute(
        select(*place, func.count().label("number"), func.min(outbox.c.enqueued_at).label("oldest"))
        .where(outbox.c.state == literal_column("'pending'"))
        .group_by(*place)
    )
    flying = conn.execute(
        select(*place, func.count().label("number"))
        .where(outbox.c.state == literal_column("'in_flight'"))
        .group_by(*place)
    )
    dead = conn.execute(
        select(outbox.c.recipient, func.count().label("number"))
        .where(outbox.c.state == literal_column("'dead'"))
        .group_by(outbox.c.recipient)
    )
    return OutboxStats(
        {Destination(r.recipient, r.channel): Backlog(r.number, max(0.0, now - r.oldest)) for r in waiting},
        {Destination(r.recipient, r.channel): r.number for r in flying},
        {r.recipient: r.number for r in dead},
    )


def _entry(row: Any, now: float) -> OutboxEntry:
    return OutboxEntry(
        id=row.id,
        recipient=row.recipient,
        channel=row.channel,
        address=row.address,
        kind=row.kind,
        message_id=row.message_id,
        release_id=row.release_id,
        device_id=row.device_id,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        delivered_at=None if row.delivered_at is None else datetime.fromtimestamp(row.delivered_at, UTC),
        next_try_in=max(0.0, row.due_at - now) if row.state == "pending" else None,
        last_error=None if row.state == "delivered" else row.last_error,
        stands_for=stands_for(row.beginning),
    )
