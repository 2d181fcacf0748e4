"""Compares the log with the messages that are stored: each has its entry and is as that says, and no other is there.

What an entry says is made anew from the stored row and compared. Of each table's rows one bit is kept, so that those
that no entry speaks of can be told. Bodies may be gone where pruning has been recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, Table, cast, func, join, select

from duis_gateway.audit import recording
from duis_gateway.audit.recording import Item, moment_text
from duis_gateway.duis.identifiers import MessageId, RequestId
from duis_gateway.store.bulk import id_list
from duis_gateway.store.tables import (
    failed_attempt,
    operator_action,
    outbox,
    partner_message,
    partner_message_evidence,
    service_request,
    service_request_evidence,
)

_AT_ONCE = 200
_ROWS_HELD = 20
_WALKED = 10_000
_LARGEST = 2**63 - 1
_UNREADABLE = (TypeError, ValueError, AttributeError, OverflowError)
"""What comes of values that no gateway writes, which SQLite keeps in any column."""
_DELIVERED = outbox.c.state == "delivered"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One table whose rows the log speaks of by their numbers."""

    table: Table
    what: str
    query: Select[Any]
    item: Callable[[Any], Item]

    @property
    def name(self) -> str:
        return self.table.name


def _request(row: Any) -> Item:
    return _received(RequestId(row.originator, row.target, row.counter), row)


def _partners(row: Any) -> Item:
    return _received(MessageId(row.sender, row.message_id), row)


def _received(identity: RequestId | MessageId, row: Any) -> Item:
    return recording.received(
        identity, row.id, row.door, row.kind, row.outcome, row.received_at, row.digest, row.raw, row.answer
    )


def _action(row: Any) -> Item:
    return recording.changed(row.id, row.at, row.action, row.subject, row.remote)


def _sent(row: Any) -> Item:
    return recording.sent(
        row.message_id,
        row.recipient,
        row.channel,
        row.address,
        row.kind,
        row.release_id,
        row.device_id,
        row.content,
        row.content_type,
        row.created_at,
    )


def _with_evidence(message: Table, evidence: Table) -> Select[Any]:
    joined = join(message, evidence, evidence.c.message == message.c.id, isouter=True)
    # A row whose bytes were taken away altogether is there, and is not as the log says.
    bodies = (_octets(func.coalesce(evidence.c[name], b""), name) for name in ("raw", "answer"))
    return select(*_of(message), *bodies).select_from(joined)


def _of(table: Table) -> Iterator[ColumnElement[Any]]:
    for column in table.columns:
        yield _octets(column, column.name) if isinstance(column.type, LargeBinary) else column


def _octets(value: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    # SQLite takes text in the place of octets, from whoever writes it there.
    return cast(value, LargeBinary).label(name)


_REQUESTS = _Kind(
    service_request, "Service Request", _with_evidence(service_request, service_request_evidence), _request
)
_PARTNERS = _Kind(
    partner_message, "partner's message", _with_evidence(partner_message, partner_message_evidence), _partners
)
_ACTIONS = _Kind(operator_action, "operator's action", select(*_of(operator_action)), _action)
_OUTBOX = _Kind(outbox, "message sent", select(*_of(outbox)), _sent)
_KINDS = (_REQUESTS, _PARTNERS, _ACTIONS, _OUTBOX)
_WORDS = {
    "in": "identity",
    "out": "identity",
    "at": "time",
    "raw": "bytes as it came",
    "answer": "answer",
    "signed": "digest of what is signed",
    "content": "content",
    "to": "recipient",
    "type": "content type",
}
_NAME = ("in", "out", "failed", "action")


@dataclass(slots=True)
class _Rows:
    """Which rows of a table the log has spoken of; `last` and `rows`: what was there before it began."""

    last: int = 0
    rows: int = 0
    number: int = 0
    pages: dict[int, bytearray] = field(default_factory=dict)

    def note(self, row: int) -> bool:
        """Note a row; False if it was noted before."""
        number, place, bit = _place(row)
        page = self.pages.setdefault(number, bytearray(_PAGE))
        if page[place] & bit:
            return False
        page[place] |= bit
        self.number += row > self.last
        return True

    def has(self, row: int) -> bool:
        number, place, bit = _place(row)
        return bool(self.pages.get(number, _NO_ROWS)[place] & bit)


_PAGE = 4096
_NO_ROWS = bytes(_PAGE)


def _place(row: int) -> tuple[int, int, int]:
    page, within = divmod(row, 8 * _PAGE)
    return page, within >> 3, 1 << (within & 7)


@dataclass(slots=True)
class _Body:
    """The newest message of a sort whose body is gone, and up to when pruning has taken such bodies."""

    newest: str = ""
    name: str = ""
    pruned_before: str = ""

    def note(self, at: str, name: str) -> None:
        if at > self.newest:
            self.newest, self.name = at, name


_Told = tuple[str, Item]
"""Where the log says something, and what."""


class Messages:
    """The messages in one snapshot of a database, beside the log's items in their order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._told: list[_Told] = []
        self._rows = {kind.name: _Rows() for kind in _KINDS}
        self._delivered = _Rows()
        self._attempts = 0
        self._gone = {"evidence": _Body(), "delivered": _Body()}
        self.compared = 0

    def take(self, where: str, items: Sequence[Item]) -> Iterator[str]:
        """Take what an entry says, and yield what is stored otherwise (of entries before it, too)."""
        self._told += [(where, one) for one in items]
        if len(self._told) >= _AT_ONCE:
            yield from self._compare()

    def end(self) -> Iterator[str]:
        """Compare the rest, and yield what is stored and stands nowhere in the log."""
        yield from self._compare()
        for kind in _KINDS:
            yield from self._count(kind)
        yield from self._count_delivered()
        attempts = self._connection.execute(select(func.count()).select_from(failed_attempt)).scalar_one()
        if attempts > self._attempts:
            yield f"{attempts - self._attempts} failed delivery attempts are stored that no entry mentions"
        for body in self._gone.values():
            if body.newest > body.pruned_before:
                since = f"nothing of {body.pruned_before} or later" if body.pruned_before else "nothing at all"
                yield f"{body.name}: its body is gone, and pruning has taken {since}"

    # --- what the log says --------------------------------------------------------------------------------------

    def _compare(self) -> Iterator[str]:
        told, self._told = self._told, []
        self.compared += len(told)
        by_kind: dict[str, list[_Told]] = {kind.name: [] for kind in _KINDS}
        delivered: list[_Told] = []
        failed: list[_Told] = []
        for where, item in told:
            match item:
                case {"in": str(identity), "row": int(row)} if 0 <= row <= _LARGEST:
                    kind = _REQUESTS if _is_request(identity) else _PARTNERS
                    by_kind[kind.name].append((where, item))
                case {"action": str(), "row": int(row)} if 0 <= row <= _LARGEST:
                    by_kind[_ACTIONS.name].append((where, item))
                case {"out": str()}:
                    by_kind[_OUTBOX.name].append((where, item))
                case {"delivered": [*names], "at": str()} if all(isinstance(one, str) for one in names):
                    delivered.append((where, item))
                case {"failed": str(), "at": str(), "error": str()}:
                    failed.append((where, item))
                case {"pruned": str(what), "before": str(before)} if what in self._gone:
                    body = self._gone[what]
                    body.pruned_before = max(body.pruned_before, before)
                case {"began": {**began}} if self._begin(began):
                    pass
                case _:
                    yield f"{where}: it says something that this version of the gateway does not know"
        for kind in (_REQUESTS, _PARTNERS, _ACTIONS):
            yield from self._compare_rows(kind, by_kind[kind.name], kind.table.c.id, "row")
        yield from self._compare_rows(_OUTBOX, by_kind[_OUTBOX.name], outbox.c.message_id, "out")
        yield from self._compare_deliveries(delivered)
        yield from self._compare_attempts(failed)

    def _begin(self, began: Mapping[Any, Any]) -> bool:
        """Take what was stored when the log began; False if that is not what this says."""
        with suppress(KeyError, ValueError, TypeError):
            for name, rows in self._rows.items():
                rows.last, rows.rows = map(int, began[name])
            self._delivered.last = self._rows[outbox.name].last
            self._attempts += int(began[failed_attempt.name])
            return True
        return False

    def _compare_rows(self, kind: _Kind, told: list[_Told], key: ColumnElement[Any], by: str) -> Iterator[str]:
        wanted: dict[Any, _Told] = {}
        for where, item in told:
            if item[by] in wanted:
                yield f"{where}: it mentions {_name(item)} again, after {wanted[item[by]][0]}"
            wanted[item[by]] = (where, item)
        if not wanted:
            return
        chosen = key.in_(select(id_list(self._connection, wanted).c.value)) if by == "row" else key.in_(list(wanted))
        query = kind.query.where(chosen).execution_options(yield_per=_ROWS_HELD)
        try:
            for row in self._connection.execute(query):
                where, item = wanted.pop(row.message_id if by == "out" else row.id)
                if not self._rows[kind.name].note(row.id):
                    yield f"{where}: it mentions {_name(item)} again; an earlier entry did"
                yield from self._differences(kind, where, item, row)
        except _UNREADABLE as error:
            yield f"{where}: {kind.name} holds what no gateway writes: {error}"
            return
        for where, item in wanted.values():
            yield f"{where}: the {kind.what} {_name(item)} is no longer stored: it was removed"

    def _differences(self, kind: _Kind, where: str, item: Item, row: Any) -> Iterator[str]:
        found = kind.item(row)
        if kind in (_REQUESTS, _PARTNERS) and not row.raw:
            found["raw"] = item.get("raw")
            self._gone["evidence"].note(found["at"], _name(item))
        if kind is _OUTBOX and not row.content:
            found["content"] = item.get("content")
            # What was never delivered is never pruned.
            at = "9999" if row.delivered_at is None else moment_text(row.delivered_at)
            self._gone["delivered"].note(at, _name(item))
        changed = [_WORDS.get(name, name) for name in {**item, **found} if item.get(name) != found.get(name)]
        if changed:
            yield f"{where}: the {kind.what} {_name(item)} is stored with a different {', '.join(sorted(changed))}"

    def _compare_deliveries(self, told: list[_Told]) -> Iterator[str]:
        for where, item in told:
            left = dict.fromkeys(item["delivered"])
            columns = (outbox.c.id, outbox.c.message_id, outbox.c.state, outbox.c.delivered_at)
            for row in self._connection.execute(select(*columns).where(outbox.c.message_id.in_(list(left)))):
                del left[row.message_id]
                if not self._delivered.note(row.id):
                    yield f"{where}: {row.message_id} was already delivered, according to an earlier entry"
                if row.state != "delivered" or row.delivered_at is None or moment_text(row.delivered_at) != item["at"]:
                    yield f"{where}: {row.message_id} was delivered at {item['at']}, but is stored differently"
            for message_id in left:
                yield f"{where}: the message sent {message_id}, delivered at {item['at']}, is no longer stored"

    def _compare_attempts(self, told: list[_Told]) -> Iterator[str]:
        if not told:
            return
        joined = join(failed_attempt, outbox, outbox.c.id == failed_attempt.c.message)
        columns = (outbox.c.message_id, failed_attempt.c.at, failed_attempt.c.error)
        names = list({item["failed"] for _, item in told})
        query = select(*columns).select_from(joined).where(outbox.c.message_id.in_(names))
        stored = {(row.message_id, moment_text(row.at)): row.error for row in self._connection.execute(query)}
        for where, item in told:
            found = stored.get((item["failed"], item["at"]))
            self._attempts += found is not None
            if found != item["error"]:
                how = "is no longer stored" if found is None else "is stored with a different error"
                yield f"{where}: the attempt of {item['at']} at {item['failed']} {how}"

    # --- what the log does not say ------------------------------------------------------------------------------

    def _count(self, kind: _Kind) -> Iterator[str]:
        spoken, number = self._rows[kind.name], kind.table.c.id
        before = select(func.count()).select_from(kind.table).where(number <= spoken.last)
        if spoken.last and (found := self._connection.execute(before).scalar_one()) != spoken.rows:
            yield f"{kind.name}: {spoken.rows} rows were there when the log began, and {found} of them are"
        since = select(func.count()).select_from(kind.table).where(number > spoken.last)
        if self._connection.execute(since).scalar_one() == spoken.number:
            return
        for row in self._walk(kind.table, spoken.last):
            if not spoken.has(row):
                name = self._name_of(kind, row)
                yield f"the {kind.what} {name} is stored, but no entry mentions it: it was inserted"

    def _name_of(self, kind: _Kind, row: int) -> str:
        try:
            return _name(kind.item(self._connection.execute(kind.query.where(kind.table.c.id == row)).one()))
        except _UNREADABLE:
            return f"in row {row}"

    def _count_delivered(self) -> Iterator[str]:
        spoken = self._delivered
        query = select(func.count()).select_from(outbox).where(outbox.c.id > spoken.last, _DELIVERED)
        if self._connection.execute(query).scalar_one() == spoken.number:
            return
        for number in self._walk(outbox, spoken.last, _DELIVERED):
            if not spoken.has(number):
                name = self._connection.execute(select(outbox.c.message_id).where(outbox.c.id == number)).scalar_one()
                yield f"the message sent {name} is stored as delivered, but no entry says so"

    def _walk(self, table: Table, after: int, *chosen: ColumnElement[bool]) -> Iterator[int]:
        while True:
            query = select(table.c.id).where(table.c.id > after, *chosen).order_by(table.c.id).limit(_WALKED)
            numbers = self._connection.execute(query).scalars().all()
            if not numbers:
                return
            yield from numbers
            after = numbers[-1]


def _is_request(identity: str) -> bool:
    with suppress(ValueError):
        RequestId.parse(identity)
        return True
    return False


def _name(item: Item) -> str:
    name = next((str(item[key]) for key in _NAME if key in item), "")
    return f"{name} to {item['to']}" if "to" in item else name
