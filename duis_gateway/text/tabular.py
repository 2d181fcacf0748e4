"""Tables for parties and operators as CSV and as JSON, written while they are read: an estate of millions fits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice

from duis_gateway.text.cells import csv_lines

_PIECE = 64 * 1024  # characters of output gathered before they are handed on
_ROWS_A_PIECE = 500


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
    head: Iterable[list[object]] = [list(table.columns)]
    lines = chain(head, ([_cell(row.get(column)) for column in table.columns] for row in table.rows))
    try:
        while piece := csv_lines(islice(lines, _ROWS_A_PIECE), line_end):
            yield piece.encode()
    finally:
        _close(table.rows)


def as_json(table: Rows) -> Iterator[bytes]:
    """Yield a JSON array with one object a row, in pieces."""
    pieces: list[str] = []
    size = 0
    before = "["
    try:
        for row in table.rows:
            piece = as_object(row, table.columns)
            pieces.append(f"{before}\n{piece}")
            before = ","
            size += len(piece)
            if size > _PIECE:
                yield "".join(pieces).encode()
                pieces, size = [], 0
        yield "".join([*pieces, "[]\n" if before == "[" else "\n]\n"]).encode()
    finally:
        _close(table.rows)


def as_object(row: Mapping[str, object], columns: Iterable[str]) -> str:
    """Return one row as a JSON object."""
    return json.dumps({column: row.get(column) for column in columns}, default=plain_text)


def plain_text(value: object) -> str:
    """Return a value as CSV shows it, and JSON what it has no form of its own for; times are UTC, with a Z."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(value: object) -> object:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else plain_text(value)


def _close(rows: object) -> None:
    close = getattr(rows, "close", None)
    if close is not None:
        close()
