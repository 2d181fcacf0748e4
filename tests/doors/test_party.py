"""The party door: whose data, in which form, and in how much memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import UTC, datetime

import pytest

from duis_gateway.doors.http import Edge
from duis_gateway.doors.party import party_routes
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.operations.metrics import Metrics
from duis_gateway.text.tabular import Rows
from tests.support.asking import ask as ask_edge
from tests.support.asking import fields, parts
from tests.support.doors import nothing_to_check

ALICE, BOB = 1, 2
TOKENS = {"token-a": ALICE, "token-b": BOB}
GPF = 0x00DC123456000001


class Data:
    """Data of two parties; hubs are produced as they are read."""

    def __init__(self, hubs: int = 2) -> None:
        self.hubs = hubs
        self.closed = 0
        self.protects: dict[int, frozenset[int]] = {ALICE: frozenset(), BOB: frozenset()}
        self.asked: list[tuple[str, int, str | None]] = []

    def party_of(self, token: str, organisations: frozenset[str] | None = None) -> int | None:
        self.organisations = organisations
        return TOKENS.get(token)

    def status(self, party: int) -> Rows:
        self.asked.append(("status", party, None))
        return Rows(
            ("firmware_version", "hubs", "since"), [{"firmware_version": f"v{party}", "hubs": 3, "since": None}]
        )

    def deadlines(self, party: int) -> Rows:
        due = datetime(2026, 3, 1, 12, tzinfo=UTC)
        return Rows(("what", "due", "met"), [{"what": 'a "list", and\nmore', "due": due, "met": False, "extra": "x"}])

    def estate(self, party: int, since: datetime | None = None) -> Rows:
        self.asked.append(("estate", party, None if since is None else since.isoformat()))
        return Rows(("device_id",), self._hubs())

    def hub(self, party: int, device_id: int) -> tuple[Rows, Rows] | None:
        self.asked.append(("hub", party, f"{device_id:016X}"))
        if party == BOB or device_id == GPF:
            return None
        return Rows(("state",), [{"state": "planned"}]), Rows(("what",), [{"what": "CS06 sent"}, {"what": "told"}])

    def eligible_hubs(self, party: int, release_id: str | None) -> Rows:
        self.asked.append(("eligible-hubs", party, release_id))
        return Rows(("device_id",), self._hubs())

    def protected_hubs(self, party: int) -> Rows:
        return Rows(("device_id",), [{"device_id": text} for text in sorted(map(format_eui, self.protects[party]))])

    def hubs_of_gpfs(self, party: int, ids: Collection[int]) -> Mapping[int, int]:
        return {GPF: 0x00DB123456000001} if GPF in ids and party == ALICE else {}

    def protect(self, party: int, ids: Collection[int]) -> int:
        self.protects[party] = frozenset(ids)
        return len(ids)

    def _hubs(self) -> Iterator[dict[str, object]]:
        try:
            for number in range(self.hubs):
                yield {"device_id": f"90-B3-D5-1F-30-{number % 256:02X}-00-00"}
        finally:
            self.closed += 1


def ask(
    data: Data,
    path: str,
    token: str | None = "token-a",
    query: str = "",
    method: str = "GET",
    body: str = "",
    **headers: str,
) -> tuple[int, dict[str, str], Iterator[bytes]]:
    said = {} if token is None else {"authorization": f"Bearer {token}"}
    edge = Edge(party_routes(data, nothing_to_check, 1000), Metrics())
    answer = ask_edge(edge, f"/party/v1/{path}", method, query, body.encode(), said | headers)
    return answer.status, fields(answer), parts(answer)


def text(data: Data, path: str, **asked: str) -> str:
    status, _, body = ask(data, path, **asked)
    assert status == 200
    return b"".join(body).decode()


@pytest.mark.requirement("BR-5.7")
def test_each_token_sees_its_own_party_and_nothing_else() -> None:
    data = Data()
    assert json.loads(text(data, "status"))[0]["firmware_version"] == "v1"
    assert json.loads(text(data, "status", token="token-b"))[0]["firmware_version"] == "v2"
    assert ask(data, "status", query="party=2")[0] == 400
    assert {party for _, party, _ in data.asked} == {ALICE, BOB}


@pytest.mark.parametrize("token", [None, "", "unknown", "token-a ,", "t" * 10_000, "caf\xe9"])
def test_without_a_known_token_nothing_is_told(token: str | None) -> None:
    data = Data()
    status, headers, body = ask(data, "status", token)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="duis-gateway"')
    assert headers["content-type"] == "application/problem+json"
    problem = json.loads(b"".join(body))
    assert (problem["type"], problem["status"]) == ("urn:duis-gateway:problem:token-refused", 401)
    assert problem["instance"] == f"urn:uuid:{problem['correlationId']}"
    assert data.asked == []


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [("hubs/a/b", "", 404), ("nothing", "", 404), ("hubs/a\0", "", 400), ("status", "a=%00", 400)],
)
@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "json"),
        ("application/json, application/xml", "json"),
        ("application/xml", "xml"),
        ("application/json;q=0.2, text/xml;q=0.8", "xml"),
        ("application/xml;q=x, application/json;q=0.1", "json"),
    ],
)
def test_a_wrong_address_is_refused_in_the_doors_own_form_or_the_one_accepted(
    path: str, query: str, status: int, accept: str, form: str
) -> None:
    found, headers, body = ask(Data(), path, query=query, accept=accept)
    assert (found, headers["content-type"]) == (status, f"application/problem+{form}")
    assert b"".join(body).startswith(b"{" if form == "json" else b"<?xml")


def test_another_scheme_is_no_token() -> None:
    assert ask(Data(), "status", None, authorization="Basic token-a")[0] == 401
    assert ask(Data(), "status", None, authorization="bearer  token-a")[0] == 200


@pytest.mark.parametrize(
    ("query", "accept", "media"),
    [
        ("", "", "application/json"),
        ("", "*/*", "application/json"),
        ("", "text/csv", "text/csv; charset=utf-8"),
        ("", "text/csv;q=0.9, application/json", "application/json"),
        ("", "application/json;q=0.1, text/csv", "text/csv; charset=utf-8"),
        ("", "text/csv, application/json", "text/csv; charset=utf-8"),
        ("", "application/json, text/csv", "application/json"),
        ("", "text/csv;q=0", "application/json"),
        ("", "text/csv, */*;q=0.8", "text/csv; charset=utf-8"),
        ("format=csv", "application/json", "text/csv; charset=utf-8"),
        ("format=json", "text/csv", "application/json"),
    ],
)
def test_the_form_is_what_was_asked_for(query: str, accept: str, media: str) -> None:
    assert ask(Data(), "status", query=query, accept=accept)[1]["content-type"] == media


def test_an_unknown_form_is_refused() -> None:
    assert ask(Data(), "status", query="format=xlsx")[0] == 400
    assert ask(Data(), "status", query="&".join(f"a{n}=1" for n in range(100)))[0] == 400


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("changed_since=2026-11-27T00:00:00Z", "the query takes only format and changed-since, not changed_since"),
        ("release=R", "the query takes only format and changed-since, not release"),
        ("format=csv&format=json", "format is given 2 times"),
        ("changed-since=2026-11-27T00:00:00Z&changed-since=2026-11-28T00:00:00Z", "changed-since is given 2 times"),
        ("a%1b=1", r"not a\x1b"),
    ],
)
def test_a_query_that_says_something_else_is_refused(query: str, words: str) -> None:
    """Who misspells `changed-since` would take the whole estate for what has changed."""
    data = Data()
    status, _, told = ask(data, "estate", query=query)
    assert (status, data.asked) == (400, [])
    assert words in json.loads(b"".join(told))["detail"]


def test_csv_has_a_header_and_survives_quotes_and_line_ends() -> None:
    rows = list(csv.reader(io.StringIO(text(Data(), "deadlines", query="format=csv"), newline="")))
    assert rows == [["what", "due", "met"], ['a "list", and\nmore', "2026-03-01T12:00:00Z", "false"]]
    assert text(Data(0), "eligible-hubs", query="format=csv") == "device_id\r\n"


def test_json_has_the_columns_and_real_types() -> None:
    assert json.loads(text(Data(), "deadlines")) == [
        {"what": 'a "list", and\nmore', "due": "2026-03-01T12:00:00Z", "met": False}
    ]
    assert json.loads(text(Data(), "status"))[0]["since"] is None
    assert json.loads(text(Data(0), "eligible-hubs")) == []


def test_a_release_can_be_asked_for() -> None:
    data = Data()
    text(data, "eligible-hubs", query="release=R1&format=csv")
    assert data.asked == [("eligible-hubs", ALICE, "R1")]


@pytest.mark.once
@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_large_estate_takes_no_memory(form: str) -> None:
    """What passes through is many times what is held; the same holds for 15 million hubs."""
    data = Data(100_000)
    _, _, body = ask(data, "eligible-hubs", query=f"format={form}")
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 100_000 * 23
    assert peak < 800_000
    assert data.closed == 1


def test_the_query_ends_when_the_client_goes_away() -> None:
    data = Data(300_000)
    body = ask(data, "eligible-hubs")[2]
    next(body)
    assert isinstance(body, Generator)
    body.close()
    assert data.closed == 1


def test_only_reading_is_possible() -> None:
    status, headers, _ = ask(Data(), "status", method="POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert ask(Data(), "status", method="HEAD")[0] == 200


def test_one_hub_is_shown_with_its_history_to_whom_it_belongs_alone() -> None:
    data = Data()
    path = "hubs/00-DB-12-34-56-00-00-01"
    status, headers, body = ask(data, path)
    assert (status, headers["cache-control"]) == (200, "no-store")
    shown = json.loads(b"".join(body))
    assert shown == {"hub": {"state": "planned"}, "history": [{"what": "CS06 sent"}, {"what": "told"}]}
    assert ask(data, path, token="token-b")[0] == 404
    assert ask(data, "hubs/none")[0] == 400
    assert b"the GPF of hub 00-DB-12-34-56-00-00-01" in b"".join(ask(Data(), f"hubs/{format_eui(GPF)}")[2])
    assert ask(data, path, token="wrong")[0] == 401
    assert data.asked == [("hub", ALICE, "00DB123456000001"), ("hub", BOB, "00DB123456000001")]


@pytest.mark.requirement("EX-2")
@pytest.mark.parametrize(
    ("media", "body", "hubs"),
    [
        ("text/csv", "device_id\r\n00-DB-12-34-56-00-00-01\r\n00-db-12-34-56-00-00-01\r\n", 1),
        ("text/csv; charset=utf-8", "why,device_id\nprepayment,00-DB-12-34-56-00-00-01\n", 1),
        ("text/csv", "\ufeff00-DB-12-34-56-00-00-01\n\n00-DB-12-34-56-00-00-02", 2),
        ("text/csv", "device_id\n", 0),
        ("application/json", '["00-DB-12-34-56-00-00-01", {"device_id": "00-DB-12-34-56-00-00-02"}]', 2),
        ("application/json", "[]", 0),
    ],
)
def test_a_protection_list_is_replaced_shown_and_emptied(media: str, body: str, hubs: int) -> None:
    data = Data()
    answers = [ask(data, "protected-hubs", method="PUT", body=body, **{"content-type": media})]
    assert json.loads(text(data, "protected-hubs")) == [
        {"device_id": f"00-DB-12-34-56-00-00-0{number}"} for number in range(1, hubs + 1)
    ]
    assert not data.protects[BOB]
    answers.append(ask(data, "protected-hubs", method="DELETE"))
    assert [(status, json.loads(b"".join(told))) for status, _, told in answers] == [
        (200, {"hubs": hubs}),
        (200, {"hubs": 0}),
    ]
    assert text(data, "protected-hubs", query="format=csv") == "device_id\r\n"


@pytest.mark.requirement("EX-2")
@pytest.mark.parametrize(
    ("media", "body", "status", "words"),
    [
        ("text/csv", "device_id\n00-DB", 400, "line 2: "),
        ("text/csv", "00-DB-12-34-56-00-00-01,00-DB-12-34-56-00-00-02\n", 400, "line 1 has 2 fields where one EUI-64"),
        ("text/csv", "", 400, "it is empty"),
        ("application/json", "", 400, "it is empty"),
        ("text/csv", "a,device_id\nb", 400, "line 2 has 1 field where the header has 2"),
        ("application/json", '["00-DB-12-34-56-00-00-01", 7]', 400, "item 2: "),
        ("application/json", '{"device_id": 1}', 400, "must be an array"),
        ("application/json", "[", 400, "not JSON"),
        ("application/json", "[" * 900, 400, "not JSON"),
        ("text/plain", "00-DB-12-34-56-00-00-01", 415, "text/csv or application/json"),
        ("text/csv", "\n" * 1001, 413, "1000 bytes"),
    ],
)
def test_a_protection_list_that_is_none_changes_nothing(media: str, body: str, status: int, words: str) -> None:
    data = Data()
    data.protects[ALICE] = frozenset({1})
    told = ask(data, "protected-hubs", method="PUT", body=body, **{"content-type": media})
    assert told[0] == status
    assert words in json.loads(b"".join(told[2]))["detail"]
    assert ask(data, "protected-hubs", "wrong", method="DELETE")[0] == 401
    # DELETE means the whole list: who names some hubs with it means something else.
    assert ask(data, "protected-hubs", method="DELETE", body="device_id\n00-DB-12-34-56-00-00-01\n")[0] == 400
    for method in ("DELETE", "PUT"):
        named = ask(data, "protected-hubs", method=method, query="device_id=1", body="00-DB-12-34-56-00-00-01")
        assert named[0] == 400
        assert "no query is taken here" in json.loads(b"".join(named[2]))["detail"]
    assert data.protects[ALICE] == {1}
