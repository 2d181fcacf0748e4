"""What has not reached its recipient and, unless somebody sees to it, may not: given up, or tried in vain.

A message that was stored a moment ago is not among it: it is on its way, as all are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal_column, select

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.outbox.stand_ins import BEGINNING, in_full, stands_for
from duis_gateway.store.engine import now_seconds
from duis_gateway.store.tables import outbox

_PATIENCE = 60.0
_MOST = 1_000
_AT_ONCE = 200
_STRETCH = 5_000

# Literals let the planner use the partial indexes.
_OPEN: list[ColumnElement[str]] = [literal_column("'pending'"), literal_column("'in_flight'")]
_DEAD: ColumnElement[str] = literal_column("'dead'")


@dataclass(frozen=True, slots=True)
class NotArrived:
    """A message that has not arrived.

    Attributes:
        id: its number in the outbox.
        message_id: what its recipient knows it by.
        given_up: it is a dead letter; else delivery goes on.
        error: what is in its way: the result of its own last attempt, or of that of the message before it. None where
            nothing was tried for a minute.
        created_at: business time.
        stands_for: the code of the alert in whose place an N999 is sent, "" of all else.
    """

    id: int
    message_id: str
    recipient: int
    channel: str
    kind: str
    release_id: str
    created_at: datetime
    given_up: bool
    error: str | None
    stands_for: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return in_full(self.kind, self.stands_for)


def order_key(recipient: str, release_id: str | None, channel: str = "http") -> str:
    """Return what messages to a party (by its name) about a release share that are delivered one after another.

    Emails wait for no message of the other channel.
    """
    return f"{recipient}/{release_id}" if channel == "http" else f"{recipient}/{release_id}/{channel}"


def not_arrived(conn: Connection, release_ids: Collection[str], recipients: Collection[int]) -> list[NotArrived]:
    """Return what was given up about these releases, and what is ordered and stuck, the oldest first.

    At most the first thousand for some hundred recipients; what tells of a single hub alone (N64, N71) is left out. An
    email counts only if it was tried: without a relay none ever is.
    """
    found: list[NotArrived] = []
    every = sorted(recipients)
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        found += _dead(conn, release_ids, some)
        found += _stuck(conn, release_ids, some)
    return sorted(found, key=lambda one: one.id)


_COLUMNS: list[ColumnElement[Any]] = [
    outbox.c[name]
    for name in (
        "id",
        "message_id",
        "recipient",
        "channel",
        "kind",
        "release_id",
        "created_at",
        "last_error",
        "enqueued_at",
    )
] + [BEGINNING]


def _dead(conn: Connection, release_ids: Collection[str], recipients: Collection[int]) -> Iterator[NotArrived]:
    query = _of_dead(release_ids, recipients).where(outbox.c.device_id.is_(None)).limit(_MOST)
    for row in conn.execute(query):
        yield _made(row, row.last_error, given_up=True)


def _of_dead(release_ids: Collection[str], recipients: Collection[int]) -> Select[Any]:
    return (
        select(*_COLUMNS)
        .where(
            outbox.c.state == _DEAD,
            outbox.c.recipient.in_(recipients),
            outbox.c.release_id.in_(release_ids),
        )
        .order_by(outbox.c.recipient, outbox.c.id)
    )


def _stuck(conn: Connection, release_ids: Collection[str], recipients: Collection[int]) -> Iterator[NotArrived]:
    keys = [
        order_key(format_eui(one), release_id, channel)
        for one in recipients
        for release_id in release_ids
        for channel in ("http", "email")
    ]
    query = (
        select(*_COLUMNS, outbox.c.order_key)
        .where(outbox.c.state.in_(_OPEN), outbox.c.order_key.in_(keys))
        .order_by(outbox.c.order_key, outbox.c.id)
        .limit(_MOST)
    )
    long_ago = now_seconds(conn) - _PATIENCE
    for _, ordered in groupby(conn.execute(query), key=lambda row: row.order_key):
        stuck, error = False, None
        for row in ordered:
            error = row.last_error or error
            stuck = stuck or bool(error) or (row.enqueued_at < long_ago and row.channel == "http")
            if stuck:
                yield _made(row, error, given_up=False)


def about_hub(conn: Connection, device_id: int, recipients: Collection[int]) -> list[NotArrived]:
    """Return what tells these recipients of a single hub (N64, N71) and has not arrived, the oldest first.

    What was given up is left out once a later message about the hub has arrived that says as much: a failure is over
    with the next activation, and not the other way round.
    """
    query = select(*_COLUMNS, outbox.c.state).where(outbox.c.device_id == device_id).order_by(outbox.c.id.desc())
    found: list[NotArrived] = []
    arrived: set[tuple[int, str]] = set()
    long_ago = now_seconds(conn) - _PATIENCE
    for row in conn.execute(query.where(outbox.c.recipient.in_(recipients))):
        one = _made(row, row.last_error, given_up=row.state == "dead")
        code = one.stands_for or one.kind
        if row.state == "delivered":
            arrived.add((one.recipient, code))
        elif one.given_up:
            if not arrived & {(one.recipient, code), (one.recipient, _ACTIVATED)}:
                found.append(one)
        elif one.error or row.enqueued_at < long_ago:
            found.append(one)
    return found[::-1]


def given_up_about_hubs(
    conn: Connection, release_ids: Collection[str], recipients: Collection[int]
) -> Iterator[tuple[NotArrived, int]]:
    """Yield what was given up and tells of a single hub, with that hub; at most the first thousand for some hundred."""
    every = sorted(recipients)
    for start in range(0, len(every), _AT_ONCE):
        query = _of_dead(release_ids, every[start : start + _AT_ONCE]).add_columns(outbox.c.device_id)
        for row in conn.execute(query.where(outbox.c.device_id.is_not(None)).limit(_MOST)):
            yield _made(row, row.last_error, given_up=True), row.device_id


_ACTIVATED = "N64"


def _made(row: Any, error: str | None, *, given_up: bool) -> NotArrived:
    same = (row.id, row.message_id, row.recipient, row.channel, row.kind, row.release_id or "", row.created_at)
    return NotArrived(*same, given_up, error or None, stands_for(row.beginning))


def still_open(conn: Connection, messages: Collection[int]) -> Mapping[int, NotArrived]:
    """Return those of some messages that have not arrived by now, by their numbers."""
    found: dict[int, NotArrived] = {}
    every = sorted(messages)
    for start in range(0, len(every), _AT_ONCE):
        which = (outbox.c.id.in_(every[start : start + _AT_ONCE]), outbox.c.state != "delivered")
        for row in conn.execute(select(*_COLUMNS, outbox.c.state).where(*which)):
            found[row.id] = _made(row, row.last_error, given_up=row.state == "dead")
    return found


def names(conn: Connection, message: int, *words: str) -> bool:
    """Tell whether a message has all of these words in it, such as a hub's EUI-64 as the wire writes it."""
    if not words:
        return True
    return len(_named(conn, message, frozenset(words))) == len(set(words))


def _named(conn: Connection, message: int, words: frozenset[str]) -> frozenset[str]:
    """Return which of these words a message has in it."""
    content = content_of(conn, message)
    return frozenset(word for word in words if word.encode() in content)


def content_of(conn: Connection, message: int) -> bytes:
    """Return the bytes of a message, none if they were pruned."""
    return conn.execute(select(outbox.c.content).where(outbox.c.id == message)).scalar_one_or_none() or b""


def arrived_since(conn: Connection, one: NotArrived) -> Iterator[bytes]:
    """Yield the bytes of the later messages of the kind that have arrived, of the next few thousand, newest first."""
    for number in _arrived_since(conn, one):
        yield content_of(conn, number)


def repeated_since(conn: Connection, one: NotArrived, *words: str) -> bool:
    """Tell whether a later message of the kind, with the same words in it, has arrived, of the next few thousand."""
    return any(names(conn, number, *words) for number in _arrived_since(conn, one))


def unheard(conn: Connection, one: NotArrived, words: frozenset[str]) -> frozenset[str]:
    """Return which of these words a message has in it, and (of one given up) no later one that has arrived.

    For hubs by the hundred: each message is read once, whatever the number of words.
    """
    left = _named(conn, one.id, words)
    for number in _arrived_since(conn, one) if one.given_up and left else ():
        left -= _named(conn, number, left)
        if not left:
            break
    return left


def named_since(conn: Connection, one: NotArrived, words: frozenset[str]) -> frozenset[str]:
    """Return which of these words a message has in it, or any later one of the kind, of the next few thousand."""
    found = _named(conn, one.id, words)
    for number in conn.execute(_since(one)).scalars().all():
        if found == words:
            break
        found |= _named(conn, number, words - found)
    return found


def _arrived_since(conn: Connection, one: NotArrived) -> Sequence[int]:
    """Return the later messages of the kind that have arrived, of the next few thousand, the newest first."""
    return conn.execute(_since(one).where(outbox.c.state == "delivered")).scalars().all()


def _since(one: NotArrived) -> Select[int]:
    return (
        select(outbox.c.id)
        .where(
            outbox.c.id > one.id,
            outbox.c.id <= one.id + _STRETCH,
            outbox.c.recipient == one.recipient,
            outbox.c.kind == one.kind,
            outbox.c.release_id == one.release_id,
        )
        .order_by(outbox.c.id.desc())
    )
