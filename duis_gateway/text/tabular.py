"""Tables for parties and operators as CSV and as JSON, written while they are read: an estate of millions fits."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

_PIECE = 64 * 1024  # characters of output gathered before they are handed on
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: its columns in order, and its rows, which may be produced as they are read.

    Values are text, numbers, booleans, times or None. An iterator with a `close` is closed when the table has been
    written, also where whoever reads goes away before.
    """

    columns: tuple[str, ...]
    rows: Iterable[Mapping[str, object]]


def as_csv(table: Rows, line_end: str = "\r\n") -> Iterator[bytes]:
    """Yield RFC 4180 text with a header line, in pieces.

    A text that a spreadsheet would take for a formula gets an apostrophe in front (threat T59).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    head: Iterable[list[str]] = [list(table.columns)]
    body = ([_cell(row.get(column)) for column in table.columns] for row in table.rows)
    try:
        for line in chain(head, body):
            writer.writerow(line)
            if text.tell() > _PIECE:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode()
    finally:
        _close(table.rows)


def as_json(table: Rows) -> Iterator[bytes]:
    """Yield a JSON array with one object a row, in pieces."""
    pieces: list[str] = []
    size = 0
    before = "["
    try:
        for row in table.rows:
            piece = json.dumps({column: row.get(column) for column in table.columns}, default=plain_text)
            pieces.append(f"{before}\n{piece}")
            before = ","
            size += len(piece)
            if size > _PIECE:
                yield "".join(pieces).encode()
                pieces, size = [], 0
        yield "".join([*pieces, "[]\n" if before == "[" else "\n]\n"]).encode()
    finally:
        _close(table.rows)


def plain_text(value: object) -> str:
    """Return a value as CSV shows it, and JSON what it has no form of its own for; times are UTC, with a Z."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(value: object) -> str:
    text = plain_text(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _close(rows: object) -> None:
    close = getattr(rows, "close", None)
    if close is not None:
        close()
