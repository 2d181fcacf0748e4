"""The outbox: what is to be sent, until it has been accepted (design section 8).

A row is pending, then in flight under a lease, and ends delivered or dead. Claiming is one statement on both databases,
attempts count when claimed (a crash of the sender counts, threat F18), and settling requires that the lease is still
held (a stalled worker that resumes changes nothing, F21). All times are the database's own.

Messages with the same `order_key` are claimed one after another, in the order of their ids; the key names
recipient and release. Ids follow commits, because writers of one release exclude each other
(`Store.lock_release`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Connection,
    Float,
    Select,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from duis_gateway.audit import recording
from duis_gateway.machine import trace_context
from duis_gateway.outbox.held import A_LANE
from duis_gateway.outbox.in_turn import in_turn, pending
from duis_gateway.store.bulk import GIVEN, given, given_ids, insert_in_order, insert_many
from duis_gateway.store.engine import database_time, now_seconds
from duis_gateway.store.tables import alert_counter, failed_attempt, outbox
from duis_gateway.store.upsert import insert_for

_LONGEST_ERROR = 500
_CHANNELS = ("http", "email")


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to be sent, as stored by the transaction that causes it.

    `content` is sent unchanged: signed XML, or a whole email. `address` is the email address; a party's URL is looked
    up when sending. `created_at` is business time, for people; delivery does not look at it.
    """

    recipient: int
    channel: str
    kind: str
    message_id: str
    content: bytes
    content_type: str
    release_id: str | None
    device_id: int | None
    order_key: str | None
    created_at: datetime
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """What keeps deliveries apart: one recipient on one channel."""

    recipient: int
    channel: str


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that the holder of `token` may try to deliver; `attempts` counts this one already.

    `refusals` says how many of the earlier ones ended with the recipient refusing the message. `waited` is how many
    seconds it had been in the outbox when claimed. `traceparent` is the trace it was caused under.
    """

    id: int
    recipient: int
    channel: str
    address: str | None
    kind: str
    message_id: str
    content: bytes
    content_type: str
    attempts: int
    refusals: int
    token: str
    waited: float
    traceparent: str | None = None


class Result(StrEnum):
    """What became of a claimed message."""

    DELIVERED = "delivered"
    RETRY = "retry"  # due again after `seconds`
    DEAD = "dead"
    UNTRIED = "untried"  # not attempted: due at once, and the attempt does not count


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of one claim. `refused`: the recipient looked at the message and refused it."""

    id: int
    token: str
    result: Result
    seconds: float = 0.0
    error: str | None = None
    refused: bool = False


# --- laying messages in -------------------------------------------------------------------------------------------


_GIVEN = tuple(field.name for field in fields(OutboxMessage))
_values_given = attrgetter(*_GIVEN)


def enqueue(conn: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Store messages to be sent, due now, in this order, under this thread's trace."""
    if not messages:
        return
    now = now_seconds(conn)
    trace = trace_context.current()
    rows = ((*_values_given(message), now, now, trace) for message in messages)
    insert_in_order(conn, outbox, (*_GIVEN, "enqueued_at", "due_at", "traceparent"), rows)
    recording.record(conn, map(_sent, messages))


def _sent(message: OutboxMessage) -> recording.Item:
    return recording.sent(
        message.message_id,
        message.recipient,
        message.channel,
        message.address,
        message.kind,
        message.release_id,
        message.device_id,
        message.content,
        message.content_type,
        message.created_at,
    )


def next_counters(conn: Connection, recipient: int, count: int) -> int:
    """Reserve `count` counters for ResponseIDs to a recipient and return the first of them.

    Strictly rising for each recipient, gaps allowed. They are never below the database's time in milliseconds, so they
    keep rising if the database is restored from a backup that does not know the last ones (F29).
    """
    floor = int(now_seconds(conn) * 1000)
    values = {"recipient": recipient, "value": floor + count, "floor": floor, "count": count}
    return int(conn.execute(_next_counters(conn.dialect.name), values).scalar_one()) - count + 1


@cache
def _next_counters(dialect: str) -> Any:
    value, floor = alert_counter.c.value, bindparam("floor", type_=alert_counter.c.value.type)
    risen = case((value < floor, floor), else_=value) + bindparam("count", type_=value.type)
    new = insert_for(dialect, alert_counter)
    return new.on_conflict_do_update(index_elements=["recipient"], set_={"value": risen}).returning(value)


# --- claiming -----------------------------------------------------------------------------------------------------


def due_destinations(conn: Connection) -> list[Destination]:
    """Return the destinations that have messages due.

    Steps from recipient to recipient along the index, so it costs the same with a million messages pending.
    """
    rows = conn.execute(_due_destinations(conn.dialect.name))
    return [Destination(row.recipient, channel) for row in rows for channel in _CHANNELS if getattr(row, channel)]


# Statements that are run again and again are built once for each kind of database: building costs more than running.


@cache
def _due_destinations(dialect: str) -> Select[Any]:
    found, now = _waited_for(), _now(dialect)
    due = [_waits(found.c.recipient, channel, lambda at: at <= now).label(channel) for channel in _CHANNELS]
    return select(found.c.recipient, *due).where(found.c.recipient.is_not(None))


def _waited_for() -> CTE:
    """Everybody who has something pending, with NULL at the end."""
    further = outbox.alias("further")
    found = select(func.min(outbox.c.recipient).label("recipient")).where(pending(outbox)).cte("found", recursive=True)
    next_one = select(func.min(further.c.recipient)).where(pending(further), further.c.recipient > found.c.recipient)
    return found.union_all(select(next_one.scalar_subquery()).where(found.c.recipient.is_not(None)))


def claim(
    conn: Connection, destination: Destination, limit: int, lease_seconds: float, token: str, octets: int = A_LANE
) -> list[ClaimedMessage]:
    """Take up to `limit` messages that are due, under a lease, those due longest first.

    No further one is taken once they have `octets`, a number above 0.

    Of the messages with one `order_key`, only the oldest open one is given. Two claimers never get the same message.
    """
    bound = {
        "its_recipient": destination.recipient,
        "its_channel": destination.channel,
        "most": limit,
        "seconds": lease_seconds,
        "token": token,
        "octets": octets,
    }
    # By due_at and id. To fetch rows one by one and compare them as such took 1 us more each, on PostgreSQL 4.
    rows = sorted(conn.execute(_claim(conn.dialect.name), bound).all(), key=itemgetter(0, 1))
    return [
        ClaimedMessage(*(*claimed, token, max(0.0, waited), traceparent))
        for _due_at, *claimed, waited, traceparent in rows
    ]


@cache
def _claim(dialect: str) -> ReturningUpdate[Any]:
    now = _now(dialect)
    return (
        update(outbox)
        .where(outbox.c.id.in_(in_turn(now)))
        .values(
            state="in_flight",
            attempts=outbox.c.attempts + 1,
            lease_until=now + bindparam("seconds", type_=Float),
            lease_token=bindparam("token"),
        )
        .returning(
            outbox.c.due_at, *(outbox.c[name] for name in _CLAIMED), now - outbox.c.enqueued_at, outbox.c.traceparent
        )
    )


_BESIDE = ("token", "waited", "traceparent")
_CLAIMED = tuple(field.name for field in fields(ClaimedMessage) if field.name not in _BESIDE)


def recover_expired(conn: Connection, longest: float) -> int:
    """Make messages due again whose lease has run out, and return how many (threat F04).

    A lease that ends later than `longest` seconds from now counts as over too: nobody takes one for that long, so the
    clock must have been set back since (threat F23).
    """
    now = _now(conn.dialect.name)
    statement = (
        update(outbox)
        .where(
            outbox.c.state == literal_column("'in_flight'"),
            or_(outbox.c.lease_until <= now, outbox.c.lease_until > now + longest),
        )
        .values(state="pending", last_error="no outcome within the lease: its worker ended or stalled", **_NO_LEASE)
    )
    return conn.execute(statement).rowcount


def bring_forward(conn: Connection, longest: float) -> int:
    """Make messages due now that would wait longer than `longest` seconds, and return how many.

    No message is given a longer wait, so the clock must have been set back since (threat F23), perhaps by years.
    """
    now = _now(conn.dialect.name)
    too_late = outbox.c.due_at > now + longest
    return conn.execute(update(outbox).where(pending(outbox), too_late).values(due_at=now)).rowcount


def has_lost(conn: Connection, longest: float) -> bool:
    """Tell whether `recover_expired` or `bring_forward` would find anything; needs no writing."""
    return bool(conn.execute(_has_lost(conn.dialect.name), {"longest": longest}).scalar())


@cache
def _has_lost(dialect: str) -> Select[Any]:
    in_flight = outbox.c.state == literal_column("'in_flight'")
    found, now = _waited_for(), _now(dialect)
    longest = bindparam("longest", type_=Float)
    too_late = [_waits(found.c.recipient, channel, lambda at: at > now + longest) for channel in _CHANNELS]
    return select(
        or_(
            exists().where(in_flight, outbox.c.lease_until <= now),
            exists().where(in_flight, outbox.c.lease_until > now + longest),
            exists().where(found.c.recipient.is_not(None), or_(*too_late)),
        )
    )


# --- settling -----------------------------------------------------------------------------------------------------


def settle(conn: Connection, settlements: Iterable[Settlement]) -> int:
    """Record what became of claimed messages, for the audit log too.

    Returns how many were left alone because their lease had passed to somebody else, or had run out and been
    recovered (threat F21).
    """
    delivered: dict[str, list[int]] = defaultdict(list)
    failed: list[tuple[Settlement, str]] = []
    settled, total = 0, 0
    now = _now(conn.dialect.name)
    for one in settlements:
        total += 1
        if one.result is Result.DELIVERED:
            delivered[one.token].append(one.id)
            continue
        held = update(outbox).where(outbox.c.id == one.id, *_held(one.token))
        changed = conn.execute(held.values(_after(one, now)).returning(outbox.c.message_id)).scalar_one_or_none()
        settled += changed is not None
        if changed is not None and one.result is not Result.UNTRIED:
            failed.append((one, changed))
    _record_failures(conn, failed)
    for token, ids in delivered.items():
        held_by = {GIVEN: given(conn, ids), "holder": token}
        done = conn.execute(_delivered(conn.dialect.name), held_by).all()
        settled += len(done)
        if done:
            recording.record(conn, [recording.delivered([row.message_id for row in done], done[0].delivered_at)])
    return total - settled


@cache
def _delivered(dialect: str) -> ReturningUpdate[Any]:
    done = outbox.c.id.in_(select(given_ids(dialect).c.value))
    values = {"state": "delivered", "delivered_at": _now(dialect), **_NO_LEASE}
    held = update(outbox).where(done, *_held(bindparam("holder"))).values(values)
    # There is one time for all of them: the statement's.
    return held.returning(outbox.c.message_id, outbox.c.delivered_at)


def _record_failures(conn: Connection, failed: Sequence[tuple[Settlement, str]]) -> None:
    if failed:
        now = now_seconds(conn)
        said = [(one.id, message_id, (one.error or "")[:_LONGEST_ERROR]) for one, message_id in failed]
        insert_many(
            conn, failed_attempt, ("message", "at", "error"), ((number, now, error) for number, _, error in said)
        )
        recording.record(conn, (recording.not_delivered(message_id, now, error) for _, message_id, error in said))


def _after(one: Settlement, now: ColumnElement[float]) -> dict[str, Any]:
    error = None if one.error is None else one.error[:_LONGEST_ERROR]
    if one.result is Result.RETRY:
        refusals = outbox.c.refusals + int(one.refused)
        return {"state": "pending", "due_at": now + one.seconds, "last_error": error, "refusals": refusals, **_NO_LEASE}
    if one.result is Result.DEAD:
        return {"state": "dead", "last_error": error, **_NO_LEASE}
    return {"state": "pending", "attempts": outbox.c.attempts - 1, **_NO_LEASE}


def hurry(conn: Connection, destination: Destination) -> int:
    """Make everything due that is waiting for its next attempt: the recipient is back. Returns how many messages.

    They go ahead of what came later, in their old order.
    """
    statement = (
        update(outbox)
        .where(
            pending(outbox),
            outbox.c.recipient == destination.recipient,
            outbox.c.channel == destination.channel,
            outbox.c.due_at > _now(conn.dialect.name),
        )
        .values(due_at=outbox.c.enqueued_at)
    )
    return conn.execute(statement).rowcount


_NO_LEASE: dict[str, Any] = {"lease_until": None, "lease_token": None}


def _held(token: str | BindParameter[str]) -> tuple[ColumnElement[bool], ...]:
    """Whether the message, which is found by its id, is in flight under the token.

    PostgreSQL must not see that the leases' index would answer that. It expects one there or none, as there were when
    its statistics were made, and goes through all of them for each lane that settles: with two hundred lanes the server
    took 469 us of processor time a message, and takes 154 so.
    """
    in_flight = case((outbox.c.state == literal_column("'in_flight'"), True), else_=False)
    return in_flight, outbox.c.lease_token == token


def _now(dialect: str) -> ColumnElement[float]:
    # As a subquery it is evaluated once per statement, so that PostgreSQL can look for it in an index.
    return select(database_time(dialect)).scalar_subquery()


def _waits(
    recipient: ColumnElement[int], channel: str, until: Callable[[ColumnElement[float]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Whether the recipient has a pending message on the channel that is due at such a time."""
    waiting = outbox.alias()
    its_own = (waiting.c.recipient == recipient, waiting.c.channel == channel)
    return exists().where(pending(waiting), *its_own, until(waiting.c.due_at))
