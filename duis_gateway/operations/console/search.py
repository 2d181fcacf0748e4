"""Finding messages that came in and that were sent, without a look at more than some thousand of them at once.

Messages are numbered in the order in which they came: a time is found by halving, and what no index answers is looked
for backwards from there, a stretch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from duis_gateway.duis.identifiers import RequestId
from duis_gateway.operations.console.kinds import code_in_words, kind_in_words
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.stand_ins import BEGINNING, in_full, stands_for
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.store.tables import (
    outbox,
    partner_message,
    service_request,
)

PAGE = 50
WAITING = "waiting"
"""The state of what is pending or in flight: still to be delivered."""
_STATES_IN = {WAITING: ("pending", "in_flight")}
NOT_DELIVERED = (WAITING, "pending", "in_flight", "dead")
"""The states of what can be looked for by the indexes of what is not delivered."""
_STRETCH = {"requests": 100_000, "partners": 100_000, "sent": 20_000}


class Way(StrEnum):
    """Which messages: a way in, or the way out."""

    REQUESTS = "requests"  # Service Requests from suppliers
    PARTNERS = "partners"  # messages of the CSPs and DCC
    SENT = "sent"  # everything that is sent


_TABLES = {Way.REQUESTS: service_request, Way.PARTNERS: partner_message, Way.SENT: outbox}
_PARTY = {Way.REQUESTS: "originator", Way.PARTNERS: "sender", Way.SENT: "recipient"}
_STATE = {Way.REQUESTS: "outcome", Way.PARTNERS: "outcome", Way.SENT: "state"}
_AT = {Way.REQUESTS: "received_at", Way.PARTNERS: "received_at", Way.SENT: "created_at"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None: whatever it is. `before` is the number of a message to begin below, or 0.

    `kind` and `state` may be in either case; `state` of what is sent may be `WAITING`, too. `looked_through`: so many
    stretches from there are left out. `channel` is by what it is sent.
    """

    way: Way
    party: int | None = None
    hub: int | None = None
    kind: str | None = None
    state: str | None = None
    release: str | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int = 0
    looked_through: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a list. `state` is the outcome of what came in, and the state of delivery of what is sent."""

    way: Way
    id: int
    at: datetime
    party: int
    kind: str
    identity: str
    state: str
    via: str
    release: str | None = None
    hub: int | None = None
    attempts: int = 0
    last_error: str | None = None
    stands_for: str = ""

    @property
    def name(self) -> str:
        """What people call it: its kind, and what an N999 stands for."""
        return in_full(self.kind, self.stands_for)

    @property
    def about(self) -> str:
        """What the kind says, in words; "" where it is a word itself."""
        return kind_in_words(self.stands_for or self.kind)

    @property
    def code_says(self) -> str:
        """What the code says with which a Service Request was answered; "" of all else."""
        return code_in_words(self.state) if self.way is Way.REQUESTS else ""

    @property
    def key(self) -> str:
        """What the message's page is called."""
        return f"{self.way}-{self.id}"


@dataclass(frozen=True, slots=True)
class Found:
    """The messages found, the newest first. `further`: where to go on looking, None at the beginning of everything.

    `looked_to`: how far back was looked, where fewer than a page were found.
    """

    lines: Sequence[Line]
    further: int | None = None
    looked_to: datetime | None = None


def look(conn: Connection, wanted: Wanted) -> Found:
    """Return the newest messages that are wanted, from `before` backwards; at most a page of them."""
    if wanted.way is Way.SENT and wanted.hub is not None:
        about = outbox_view.about_hub(conn, wanted.hub, 1000)
        return Found([line for line in map(_sent_entry, about) if _fits(line, wanted)])
    table = _TABLES[wanted.way]
    at = table.c[_AT[wanted.way]]
    newest = conn.execute(select(func.max(table.c.id))).scalar_one() or 0
    top = min(newest, wanted.before - 1) if wanted.before else newest
    if wanted.until is not None:
        top = min(top, _last_until(conn, table, at, wanted.until, newest))
    top = max(0, top - wanted.looked_through * _STRETCH[wanted.way])
    bottom = max(0, top - _STRETCH[wanted.way])
    conditions = _conditions(table, wanted)
    query = (
        select(*_columns(table, wanted.way))
        .where(table.c.id <= top, table.c.id > bottom, *conditions)
        .order_by(table.c.id.desc())
        .limit(PAGE + 1)
    )
    lines = [_line(wanted.way, row) for row in conn.execute(query)]
    if len(lines) > PAGE:
        return Found(lines[:PAGE], lines[PAGE - 1].id)
    edge = conn.execute(select(at).where(table.c.id > bottom).order_by(table.c.id).limit(1)).scalar_one_or_none()
    over = bottom == 0 or edge is None or (wanted.since is not None and edge < wanted.since)
    return Found(lines, None if over else bottom + 1, None if over else edge)


def undelivered(conn: Connection, wanted: Wanted) -> Found:
    """Look by the indexes of what is not delivered, however much history lies before it; `before` counts pages."""
    assert wanted.state is not None
    skip = wanted.before
    by = (wanted.party, wanted.channel)
    if wanted.state == WAITING:
        entries = outbox_view.waiting(conn, *by, skip=skip, limit=PAGE)
    else:
        entries = outbox_view.undelivered(conn, wanted.state, *by, skip=skip, limit=PAGE)
    lines = sent([one for one in entries if _fits(_sent_entry(one), wanted)])
    return Found(lines, skip + PAGE if len(entries) == PAGE else None)


def find(conn: Connection, way: Way, number: int) -> Line | None:
    """Return one message by its number."""
    table = _TABLES[way]
    row = conn.execute(select(*_columns(table, way)).where(table.c.id == number)).one_or_none()
    return None if row is None else _line(way, row)


def by_identity(conn: Connection, identity: str) -> list[Line]:
    """Return the messages with this RequestID, MessageID or ResponseID."""
    conditions: dict[Way, ColumnElement[bool]] = {
        Way.SENT: outbox.c.message_id == identity,
        Way.PARTNERS: partner_message.c.message_id == identity,
    }
    try:
        request = RequestId.parse(identity)
    except ValueError:
        pass
    else:
        conditions[Way.REQUESTS] = (
            (service_request.c.originator == request.originator)
            & (service_request.c.target == request.target)
            & (service_request.c.counter == request.counter)
        )
    found = []
    for way, condition in conditions.items():
        query = select(*_columns(_TABLES[way], way)).where(condition).limit(PAGE)
        if way is Way.PARTNERS:
            query = query.where(partner_message.c.sender.in_(_senders(conn)))
        found += [_line(way, row) for row in conn.execute(query)]
    return found


def received_at(conn: Connection, way: Way, party: int, at: datetime) -> Line | None:
    """Return the message of a party that came at exactly this time, if it is near there in the order of coming."""
    table = _TABLES[way]
    newest = conn.execute(select(func.max(table.c.id))).scalar_one() or 0
    column = table.c[_AT[way]]
    last = _last_until(conn, table, column, at, newest)
    near = (table.c.id > last - _STRETCH[way], table.c.id <= last + _STRETCH[way])
    query = select(*_columns(table, way)).where(*near, column == at, table.c[_PARTY[way]] == party)
    row = conn.execute(query.order_by(table.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _line(way, row)


def _senders(conn: Connection) -> list[int]:
    """Return the parties whose messages are looked up by their index: CSPs and DCC."""
    return [one.eui for one in parties.all_parties(conn) if one.kind is not PartyKind.SUPPLIER]


def _last_until(conn: Connection, table: Table, at: ColumnElement[datetime], until: datetime, newest: int) -> int:
    """Return the number below which messages came until this time; numbers rise with time, save for moments."""
    low, high = 0, newest
    while low < high:
        middle = (low + high + 1) // 2
        row = conn.execute(select(table.c.id, at).where(table.c.id >= middle).order_by(table.c.id).limit(1)).one()
        if row[1] <= until:
            low = max(middle, row[0])
        else:
            high = middle - 1
    return low


def _conditions(table: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
    at = table.c[_AT[wanted.way]]
    found: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        found.append(func.lower(table.c.kind) == wanted.kind.lower())
    if wanted.state is not None:
        found.append(func.lower(table.c[_STATE[wanted.way]]).in_(_states(wanted.state)))
    if wanted.channel is not None and wanted.way is Way.SENT:
        found.append(table.c.channel == wanted.channel)
    if wanted.party is not None:
        found.append(table.c[_PARTY[wanted.way]] == wanted.party)
    if wanted.release is not None and wanted.way is Way.SENT:
        found.append(table.c.release_id == wanted.release)
    if wanted.since is not None:
        found.append(at >= wanted.since)
    if wanted.until is not None:
        found.append(at <= wanted.until)
    return found


def _columns(table: Table, way: Way) -> list[Any]:
    shared = [table.c[name] for name in ("id", _AT[way], _PARTY[way], "kind", _STATE[way])]
    if way is Way.REQUESTS:
        return [*shared, table.c.door, table.c.target, table.c.counter]
    if way is Way.PARTNERS:
        return [*shared, table.c.door, table.c.message_id]
    names = ("channel", "message_id", "release_id", "device_id", "attempts", "last_error")
    return [*shared, *(table.c[name] for name in names), BEGINNING]


def _line(way: Way, row: Any) -> Line:
    number, at, party, kind, state, via, *rest = row
    if way is Way.REQUESTS:
        return Line(way, number, at, party, kind, str(RequestId(party, *rest)), state, via)
    if way is Way.PARTNERS:
        return Line(way, number, at, party, kind, rest[0], state, via)
    identity, release, hub, attempts, error, beginning = rest
    # What failed before a delivery stands among its attempts.
    error = None if state == "delivered" else error
    about = (release, hub, attempts, error, stands_for(beginning))
    return Line(way, number, at, party, kind, identity, state, via, *about)


def _sent_entry(one: outbox_view.OutboxEntry) -> Line:
    return Line(
        Way.SENT,
        one.id,
        one.created_at,
        one.recipient,
        one.kind,
        one.message_id,
        one.state,
        one.channel,
        one.release_id,
        one.device_id,
        one.attempts,
        one.last_error,
        one.stands_for,
    )


def sent(entries: Sequence[outbox_view.OutboxEntry]) -> list[Line]:
    """Return messages of the outbox as lines of a list."""
    return [_sent_entry(one) for one in entries]


def _states(wanted: str) -> tuple[str, ...]:
    return _STATES_IN.get(wanted.lower(), (wanted.lower(),))


def _fits(line: Line, wanted: Wanted) -> bool:
    if wanted.kind is not None and line.kind.lower() != wanted.kind.lower():
        return False
    if wanted.state is not None and line.state.lower() not in _states(wanted.state):
        return False
    given = ((line.party, wanted.party), (line.release, wanted.release), (line.via, wanted.channel))
    in_time = (wanted.since is None or line.at >= wanted.since) and (wanted.until is None or line.at <= wanted.until)
    return in_time and all(value is None or own == value for own, value in given)
