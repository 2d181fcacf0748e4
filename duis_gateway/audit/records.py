"""The log as a row of records: read from the database, written to an export and read from one.

An export is text, a record a line. Its first line names the gateway's format, its last says how much there was: what
was cut off shows. A line is written in one way only, so that every octet of an export is looked at.
"""

from __future__ import annotations

import base64
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, LargeBinary, cast, select

from duis_gateway.audit.chain import Entry
from duis_gateway.audit.recording import canonical
from duis_gateway.store.audit_tables import audit_checkpoint, audit_entry, audit_waiting
from duis_gateway.text.json_reader import read_json

LONGEST_LINE = 64 * 1024 * 1024
"""More octets than a line of an export has; whoever reads one gives no more to `exported` at a time."""

FORMAT = "duis-gateway audit log, version 1"
_AT_ONCE = 200
_DOCUMENT = cast(audit_checkpoint.c.document, LargeBinary).label("document")  # SQLite keeps text there as well


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it is stored, not proven yet; `sequence` is where the database has it."""

    sequence: int
    document: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a transaction recorded that no entry covers yet."""

    content: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A line of an export that is none, and what is wrong with it."""

    line: int
    problem: str


Record = Entry | Signed | Waiting | Broken


def newest_checkpoint(connection: Connection) -> bytes | None:
    """Return the newest checkpoint as it was signed; None where there is none yet."""
    newest = select(_DOCUMENT).order_by(audit_checkpoint.c.sequence.desc()).limit(1)
    document: bytes | None = connection.execute(newest).scalar_one_or_none()
    return document


def stored(connection: Connection) -> Iterator[Record]:
    """Yield the log of a database in order, each checkpoint after its entry, and then what waits."""
    after = 0
    while entries := connection.execute(_entries(after)).all():
        last = entries[-1].sequence
        signed = list(_checkpoints(connection, after, last))
        for row in entries:
            yield Entry(row.sequence, row.sealed_at, row.content, row.link)
            while signed and signed[0].sequence <= row.sequence:
                yield signed.pop(0)
        after = last
    yield from _checkpoints(connection, after, None)
    number = 0
    while waiting := connection.execute(_waiting(number)).all():
        yield from (Waiting(row.content) for row in waiting)
        number = waiting[-1].id


def _entries(after: int) -> Any:
    columns = (audit_entry.c[name] for name in ("sequence", "sealed_at", "content", "link"))
    return select(*columns).where(audit_entry.c.sequence > after).order_by(audit_entry.c.sequence).limit(_AT_ONCE)


def _waiting(after: int) -> Any:
    columns = (audit_waiting.c.id, audit_waiting.c.content)
    return select(*columns).where(audit_waiting.c.id > after).order_by(audit_waiting.c.id).limit(_AT_ONCE)


def _checkpoints(connection: Connection, after: int, last: int | None) -> Iterator[Signed]:
    query = select(audit_checkpoint.c.sequence, _DOCUMENT).where(audit_checkpoint.c.sequence > after)
    if last is not None:
        query = query.where(audit_checkpoint.c.sequence <= last)
    for row in connection.execute(query.order_by(audit_checkpoint.c.sequence)):
        yield Signed(row.sequence, bytes(row.document))


# --- exports ------------------------------------------------------------------------------------------------------


def lines_of(records: Iterable[Record]) -> Iterator[str]:
    """Yield the lines of an export of what `stored` yields."""
    yield _line({"format": FORMAT})
    entries, waiting = 0, 0
    for record in records:
        if isinstance(record, Entry | Signed):
            entries += isinstance(record, Entry)
            yield _line_of(record)
        else:
            waiting += 1
    yield _line({"end": True, "entries": entries, "waiting": waiting})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def _line_of(record: Entry | Signed) -> str:
    if isinstance(record, Signed):
        return _line({"checkpoint": record.sequence, "document": base64.b64encode(record.document).decode()})
    # The content is JSON already, and stands in the line as it is covered.
    head = _line({"entry": record.sequence, "sealed": record.sealed_at, "link": record.link})
    return f'{head[:-2]},"content":{record.content}}}\n'


class NoExport(Exception):
    """A file is no export of an audit log; the text says why."""


def exported(lines: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records of an export, and what is wrong with it as such.

    Raises:
        NoExport: it does not begin as one.
    """
    numbered = enumerate(lines, 1)
    first, due = next(numbered, (0, b""))[1], _line({"format": FORMAT})
    if first != due.encode():
        # A mark is not passed over: whatever saved the file again may have changed more than its beginning.
        mark = " but with a byte-order mark: something has saved it anew" if first.startswith(BOM_UTF8) else ""
        raise NoExport(f"it does not begin with the line {due.strip()}{mark}")
    entries, over, number = 0, False, 1
    for number, line in numbered:
        if over:
            yield Broken(number, "comes after the line that ends the export")
            continue
        record = _read(number, line)
        if isinstance(record, int):
            over = True
            if record != entries:
                yield Broken(number, f"says that there are {record} entries, but there are {entries}")
            continue
        entries += isinstance(record, Entry)
        yield record
    if not over:
        yield Broken(number, "is the last, but does not end the export: the rest is missing")


def _read(number: int, line: bytes) -> Record | int:
    """Return what a line says; a number where it is the end."""
    try:
        match read_json(line):
            case {"entry": int(sequence), "sealed": str(sealed_at), "link": str(link), "content": list(content)}:
                record: Entry | Signed = Entry(sequence, sealed_at, canonical(content), link)
                same = _line_of(record)
            case {"checkpoint": int(sequence), "document": str(document)}:
                record = Signed(sequence, base64.b64decode(document, validate=True))
                same = _line_of(record)
            case {"end": True, "entries": int(entries), "waiting": int(waiting)}:
                if line == _line({"end": True, "entries": entries, "waiting": waiting}).encode():
                    return entries
                raise ValueError
            case _:
                raise ValueError
    except ValueError:
        return Broken(number, "is not a line of an export")
    return record if same.encode() == line else Broken(number, "was changed: an export writes it differently")
