"""The party door: every party's own estate, tasks and time left, by bearer token, as JSON or CSV; of nobody else.

Rows are passed on as the query yields them, so that an estate of millions takes no memory here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Protocol
from urllib.parse import parse_qs

from duis_gateway.doors.http import Route
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.errors import HttpRefused, TokenRefused

_LONGEST_TOKEN = 512
_PIECE = 64 * 1024  # characters of output gathered before they are sent
_CSV = "text/csv; charset=utf-8"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: its columns in order, and its rows, which may be produced as they are read.

    Values are text, numbers, booleans, times or None. An iterator with a `close` is closed when the answer ends, also
    where the client goes away before.
    """

    columns: tuple[str, ...]
    rows: Iterable[Mapping[str, object]]


class PartyData(Protocol):
    """What the party door shows; the application answers from the store. `party` is an EUI-64."""

    def party_of(self, token: str) -> int | None:
        """Return whose token this is, or None."""

    def status(self, party: int) -> Rows:
        """Return the party's estate by firmware version and state."""

    def deadlines(self, party: int) -> Rows:
        """Return what the party has outstanding, and how long it has."""

    def eligible_hubs(self, party: int, release_id: str | None) -> Rows:
        """Return the party's hubs that a release is for, or that any live one is."""


def party_routes(data: PartyData) -> list[Route]:
    """Return the routes of the party door."""
    queries: dict[str, Callable[[int, HttpRequest], Rows]] = {
        "status": lambda party, _request: data.status(party),
        "deadlines": lambda party, _request: data.deadlines(party),
        "eligible-hubs": lambda party, request: data.eligible_hubs(party, _parameter(request, "release")),
    }
    return [_route(name, query, data) for name, query in queries.items()]


def _route(name: str, query: Callable[[int, HttpRequest], Rows], data: PartyData) -> Route:
    def serve(request: HttpRequest) -> Answer:
        party = _party(request, data)
        form = _format(request)
        rows = query(party, request)
        content_type, body = (_CSV, _as_csv(rows)) if form == "csv" else (_JSON, _as_json(rows))
        headers = (("Cache-Control", "no-store"), ("Vary", "Accept, Authorization"))
        return Answer(200, content_type, body, headers)

    return Route(f"/party/v1/{name}", "party", name, ("GET", "HEAD"), serve)


def _party(request: HttpRequest, data: PartyData) -> int:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise TokenRefused("a bearer token is needed")
    party = data.party_of(token)
    if party is None:
        raise TokenRefused("the token is not one of a registered party")
    return party


def _format(request: HttpRequest) -> str:
    """Return "csv" or "json": `?format=` decides, then the Accept header; JSON where neither says."""
    asked = _parameter(request, "format")
    if asked is not None:
        if asked not in {"csv", "json"}:
            raise HttpRefused("format must be csv or json")
        return asked
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return "csv" if "text/csv" in accepted and _JSON not in accepted[: accepted.index("text/csv")] else "json"


def _parameter(request: HttpRequest, name: str) -> str | None:
    try:
        values = parse_qs(request.query, max_num_fields=16).get(name)
    except ValueError:
        raise HttpRefused("the query has too many fields") from None
    return values[0] if values else None


def _as_csv(table: Rows) -> Iterator[bytes]:
    """Yield RFC 4180 text with a header line, in pieces."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
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


def _as_json(table: Rows) -> Iterator[bytes]:
    """Yield a JSON array with one object a row, in pieces."""
    pieces: list[str] = []
    size = 0
    before = "["
    try:
        for row in table.rows:
            piece = json.dumps({column: row.get(column) for column in table.columns}, default=_cell)
            pieces.append(f"{before}\n{piece}")
            before = ","
            size += len(piece)
            if size > _PIECE:
                yield "".join(pieces).encode()
                pieces, size = [], 0
        yield "".join([*pieces, "[]\n" if before == "[" else "\n]\n"]).encode()
    finally:
        _close(table.rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _close(rows: object) -> None:
    close = getattr(rows, "close", None)
    if close is not None:
        close()
