"""The party door: every party's own estate, tasks and time left, by bearer token, as JSON or CSV; of nobody else.

Rows are passed on as the query yields them, so that an estate of millions takes no memory here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Protocol
from urllib.parse import parse_qs

from lxml import etree

from duis_gateway.doors.http import Route
from duis_gateway.doors.problem import json_problem_answer
from duis_gateway.doors.wire import XML, Answer, HttpRequest, accepted, check_media
from duis_gateway.duis.codes import RESPONSE_CODES
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.duis.times import parse_date_time
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import HttpRefused, NoSuchPath, TokenRefused
from duis_gateway.flow.dry_run import Foretold
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.machine.memory import give_back
from duis_gateway.namespaces import sr
from duis_gateway.rollout.hubs.gpfs import whose
from duis_gateway.text.controls import shown
from duis_gateway.text.hub_lists import read_hub_list
from duis_gateway.text.tabular import Rows, as_csv, as_json, as_object

FORMATS = ("csv", "json")
"""What `?format=` may be."""

_LONGEST_TOKEN = 512
_LARGE_LIST = 128 * 1024
_NO_HUBS = "InvalidDeviceIDList"
"""The list of the devices that are no hubs."""

_CSV_GIVEN = "text/csv"
_CSV = f"{_CSV_GIVEN}; charset=utf-8"
_JSON = "application/json"
_HEADERS = (("Cache-Control", "no-store"), ("Vary", "Accept, Authorization"))


class PartyData(Protocol):
    """What the party door shows; the application answers from the store. `party` is an EUI-64."""

    def party_of(self, token: str, organisations: frozenset[str] | None = None) -> int | None:
        """Return whose token this is, or None.

        Raises:
            NotOfOrganisation: the party belongs to none of these organisations; None: it need not.
        """

    def status(self, party: int) -> Rows:
        """Return the party's estate by firmware version and state."""

    def deadlines(self, party: int) -> Rows:
        """Return what the party has outstanding, and how long it has."""

    def estate(self, party: int, since: datetime | None = None) -> Rows:
        """Return the party's hubs one by one: all, or those that may have changed since then or left."""

    def hub(self, party: int, device_id: int) -> tuple[Rows, Rows] | None:
        """Return how one hub of the party's stands, and what happened to it; None if it is not one of its hubs."""

    def hubs_of_gpfs(self, party: int, ids: Collection[int]) -> Mapping[int, int]:
        """Return the hub of each of these devices that is the GPF of one of the party's hubs."""

    def protected_hubs(self, party: int) -> Rows:
        """Return the hubs that a supplier lets into no pilot and no period."""

    def protect(self, party: int, ids: Collection[int]) -> int:
        """Make these hubs a supplier's list, and return how many they are (NotEntitled: it is no supplier)."""

    def eligible_hubs(self, party: int, release_id: str | None) -> Rows:
        """Return the party's hubs that a release is for, or that any live one is."""


Check = Callable[[Incoming, int], Foretold]
"""Returns the unsigned Service Response that a request of this party (its EUI-64) would get; nothing comes of it."""


def party_routes(data: PartyData, check: Check, size_limit: int) -> list[Route]:
    """Return the routes of the party door; a body may have `size_limit` bytes."""
    queries: dict[str, Callable[[int, HttpRequest], Rows]] = {
        "status": lambda party, _request: data.status(party),
        "deadlines": lambda party, _request: data.deadlines(party),
        "estate": lambda party, request: data.estate(party, _moment(request, "changed-since")),
        "eligible-hubs": lambda party, request: data.eligible_hubs(party, _parameter(request, "release") or None),
    }
    own = {"estate": "changed-since", "eligible-hubs": "release"}
    tables = (_route(name, query, data, own.get(name)) for name, query in queries.items())
    return [
        *tables,
        _hub_route(data),
        _check_route(data, check, size_limit),
        _protection_route(data, size_limit),
    ]


def _check_route(data: PartyData, check: Check, size_limit: int) -> Route:
    """A dry run: what an 11.5 or 11.6 would be answered, as JSON; a signature would make it look like a promise."""

    def serve(request: HttpRequest) -> Answer:
        party = _party(request, data)
        _check_query(request, ())
        check_media(request, XML)
        incoming = Incoming(Door.DUIS, "serviceD", request.body(size_limit), request.correlation_id, request.notes)
        told = check(incoming, party)
        return Answer(200, _JSON, _as_told(told, lambda ids: data.hubs_of_gpfs(party, ids)), _HEADERS)

    return Route("/party/v1/check", "party", "check", ("POST",), serve, json_problem_answer)


def _protection_route(data: PartyData, size_limit: int) -> Route:
    """The party's own protection list: shown as a table, replaced whole, emptied."""
    path, name, methods = "/party/v1/protected-hubs", "protected-hubs", ("GET", "HEAD", "PUT", "DELETE")
    show = _route(name, lambda party, _request: data.protected_hubs(party), data)
    turn = Lock()

    def serve(request: HttpRequest) -> Answer:
        if request.method in ("GET", "HEAD"):
            return show.serve(request)
        party = _party(request, data)
        _check_query(request, ())
        if request.method == "PUT":
            with _in_turn(request, turn):
                number = data.protect(party, _listed(request, size_limit))
        elif request.body(size_limit):
            raise HttpRefused("DELETE empties the whole list and takes no body; to keep some hubs, PUT those")
        else:
            number = data.protect(party, frozenset())
        return Answer(200, _JSON, json.dumps({"hubs": number}).encode() + b"\n", _HEADERS)

    return Route(path, "party", name, methods, serve, json_problem_answer)


@contextmanager
def _in_turn(request: HttpRequest, turn: Lock) -> Iterator[None]:
    """Take large lists one at a time, and keep nothing of them: one of 300,000 hubs takes a hundred megabytes."""
    if len(request.content) <= _LARGE_LIST:
        yield
        return
    with turn:
        try:
            yield
        finally:
            give_back()


def _listed(request: HttpRequest, size_limit: int) -> frozenset[int]:
    """Return the hubs that a body lists, as CSV or as JSON."""
    is_json = check_media(request, _CSV_GIVEN, _JSON) == _JSON
    try:
        return read_hub_list(request.body(size_limit).decode("utf-8-sig"), as_json=is_json)
    except UnicodeDecodeError:
        raise HttpRefused('the list is not UTF-8: save it as UTF-8 (spreadsheets call it "CSV UTF-8")') from None
    except ValueError as error:
        raise HttpRefused(str(error)) from None


def _as_told(foretold: Foretold, hubs_of_gpfs: Callable[[Collection[int]], Mapping[int, int]]) -> bytes:
    root = parse_trusted(foretold.response)
    code = root.findtext(f".//{sr('ResponseCode')}", "")
    warning = root.find(f".//{sr('DSPPilotListWarning')}")
    lists = {} if warning is None else {etree.QName(one).localname: (one.text or "").split(",") for one in warning}
    meaning = foretold.explanation or RESPONSE_CODES[code].meaning
    told = {"code": code, "meaning": meaning, "accepted": code[0] != "E", "lists": lists}
    named = hubs_of_gpfs([parse_eui(one) for one in lists.get(_NO_HUBS, ())])
    told["gpfs"] = {format_eui(gpf): format_eui(hub) for gpf, hub in sorted(named.items())}
    return json.dumps(told).encode() + b"\n"


def _hub_route(data: PartyData) -> Route:
    """One hub, in one JSON object: how it stands, and its history."""

    def serve(request: HttpRequest) -> Answer:
        party = _party(request, data)
        _check_query(request, ())
        text = request.path.rpartition("/")[2]
        try:
            device_id = parse_eui(text)
        except ValueError as error:
            raise HttpRefused(str(error)) from None
        found = data.hub(party, device_id)
        if found is None:
            of_gpf = data.hubs_of_gpfs(party, [device_id]).get(device_id)
            raise NoSuchPath("the hub is not one of this party's" if of_gpf is None else whose(of_gpf))
        hub, history = found
        (shown,) = (as_object(row, hub.columns) for row in hub.rows)
        body = f'{{"hub": {shown}, "history": {b"".join(as_json(history)).decode()}}}\n'.encode()
        return Answer(200, _JSON, body, _HEADERS)

    return Route("/party/v1/hubs/*", "party", "hubs", ("GET", "HEAD"), serve, json_problem_answer)


def _route(
    name: str, query: Callable[[int, HttpRequest], Rows], data: PartyData, parameter: str | None = None
) -> Route:
    """A table; `parameter` is what its query takes beside `format`."""
    known = ("format",) if parameter is None else ("format", parameter)

    def serve(request: HttpRequest) -> Answer:
        party = _party(request, data)
        _check_query(request, known)
        form = _format(request)
        rows = query(party, request)
        content_type, body = (_CSV, as_csv(rows)) if form == "csv" else (_JSON, as_json(rows))
        return Answer(200, content_type, body, _HEADERS, asker=party)

    return Route(f"/party/v1/{name}", "party", name, ("GET", "HEAD"), serve, json_problem_answer)


def _party(request: HttpRequest, data: PartyData) -> int:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise TokenRefused("a bearer token is needed")
    party = data.party_of(token, request.organisations)
    if party is None:
        raise TokenRefused("the token does not belong to a registered party")
    return party


def _format(request: HttpRequest) -> str:
    """Return "csv" or "json": `?format=` decides, then the Accept header; JSON where neither says."""
    asked = _parameter(request, "format")
    if asked is not None:
        if asked not in FORMATS:
            raise HttpRefused(f"format must be {' or '.join(FORMATS)}")
        return asked
    weights = accepted(request.headers.get("accept", ""))
    # Of two that are liked the same it is the one that is named first.
    liked = max(
        (media for media in weights if media in (_CSV_GIVEN, _JSON)), key=lambda media: weights[media], default=""
    )
    return "csv" if liked == _CSV_GIVEN and weights[liked] > 0 else "json"


def _moment(request: HttpRequest, name: str) -> datetime | None:
    """Return the time that a parameter gives, None without it."""
    asked = _parameter(request, name)
    if asked is None:
        return None
    try:
        # A + that was not written as %2B comes as a space, and no time has one.
        return parse_date_time(asked.replace(" ", "+"))
    except ValueError as error:
        raise HttpRefused(f"{name} is {error}; a time is written 2027-03-30T02:00:00Z") from None


def _check_query(request: HttpRequest, known: Sequence[str]) -> None:
    """Refuse what is not known: who misspells `changed-since` would take the whole for what has changed."""
    for name, values in _query(request).items():
        if name not in known:
            takes = f"the query takes only {' and '.join(known)}" if known else "no query is taken here"
            raise HttpRefused(f"{takes}, not {shown(name)[:80]}")
        if len(values) > 1:
            raise HttpRefused(f"{name} is given {len(values)} times")


def _parameter(request: HttpRequest, name: str) -> str | None:
    values = _query(request).get(name)
    return values[0] if values else None


def _query(request: HttpRequest) -> Mapping[str, Sequence[str]]:
    try:
        return parse_qs(request.query, keep_blank_values=True, max_num_fields=16)
    except ValueError:
        raise HttpRefused("the query has too many fields") from None
