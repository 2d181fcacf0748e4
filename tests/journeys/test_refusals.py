"""What is refused before anything is decided: media, size, shape and schema, and what happens without a signing key."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from tests.support.gateway_process import wait_until
from tests.support.independent import sign
from tests.support.installation import Installation, installed, running
from tests.support.play import Group, Outcome, Play, playing
from tests.support.wire_client import PROBLEM, Answer, only, texts

pytestmark = pytest.mark.processes

PATHS = ("/api/v1/serviceD", "/csp-mgmt-gw/v1/messages", "/esi/v1/messages")
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;&b;&b;</x>'


@pytest.fixture
def play(on_sqlite: Installation) -> Iterator[Play]:
    """The parties on one kind of database: which one makes no difference here."""
    with playing(on_sqlite) as play:
        yield play


def findings(answer: Answer) -> list[tuple[str, str]]:
    """Return path and line of each thing that is wrong."""
    items = etree.fromstring(answer.body).iterfind(f".//{{{PROBLEM}}}i")
    return [(only(item, "path"), only(item, "line")) for item in items]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [b"", b"not xml", b"<a/><b/>", b"<a>\x00</a>", BOMB, b"<!DOCTYPE a><a/>", b"<?pi x?><a/>", "<a/>".encode("utf-16")],
)
def test_what_is_no_acceptable_xml(play: Play, path: str, body: bytes) -> None:
    """T01, T02, T04, T09, T10."""
    answer = play["main"].client.post(path, body)
    assert (answer.status, answer.problem("stage")) == (400, "parse")
    assert answer.headers["content-type"] == "application/problem+xml"
    assert answer.problem("correlationId") == answer.headers["x-correlation-id"]


@pytest.mark.parametrize("path", PATHS)
def test_many_namespaces_and_elements_are_refused_before_canonicalisation(play: Play, path: str) -> None:
    """T07: a measured denial of service, two minutes for 114 kB."""
    names = "".join(f' xmlns:n{number}="urn:{number}"' for number in range(2000))
    wide = f"<a{names}>{'<b/>' * 2000}</a>".encode()
    deep = b"<a>" * 70 + b"</a>" * 70
    for document in (wide, deep, b"<a>" + b"<b/>" * 40_000 + b"</a>"):
        assert play["main"].client.post(path, document).status == 400


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("media", ["text/plain", "application/json", "application/xml; charset=iso-8859-1", ""])
def test_another_media_type(play: Play, path: str, media: str) -> None:
    """T09, T49."""
    assert play["main"].client.post(path, b"<a/>", media).status == 415


@pytest.mark.parametrize("path", PATHS)
def test_another_method(play: Play, path: str) -> None:
    """T49."""
    for method in ("GET", "PUT", "DELETE"):
        answer = play["main"].client.exchange(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_over_the_size_limit(play: Play) -> None:
    """T54: refused by the length it announces, before it is read or parsed."""
    connection = http.client.HTTPConnection(urlsplit(play["main"].url).netloc, timeout=30)
    connection.putrequest("POST", PATHS[0])
    connection.putheader("Content-Type", "application/xml")
    connection.putheader("Content-Length", str(9 * 1024 * 1024))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_shorter_than_announced_is_never_half_processed(play: Play) -> None:
    """T50, F01: the sender goes away in the middle; nothing is stored and the whole request works afterwards."""
    signed = sign(play.reading("main", play.lot["own"][0]), play["main"].identity)
    with socket.create_connection((urlsplit(play["main"].url).hostname, urlsplit(play["main"].url).port or 0)) as sock:
        head = f"POST {PATHS[0]} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
        head += f"Content-Length: {len(signed)}\r\n\r\n"
        sock.sendall(head.encode() + signed[:-10])
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(30)
        assert b"200 OK" not in sock.recv(4096)
    assert play["main"].client.post(PATHS[0], signed).code == "I0"


def test_the_path_and_line_of_what_is_not_valid_are_told(play: Play) -> None:
    document = play.reading("main", play.lot["own"][0]).replace(b"<sr:CommandVariant>8<", b"<sr:CommandVariant>88<")
    answer = play.send("main", document)
    assert (answer.status, answer.problem("stage")) == (400, "validate")
    # The lines are those of the proven document, which begins at its root: the fixture's third line is its first.
    assert findings(answer) == [("/sr:Request/sr:Header/sr:CommandVariant", "4")]
    assert play.repeat().status == 400, "it has used nothing up"


def test_at_most_ten_errors_are_told(play: Play) -> None:
    groups = [Group(f"G{number}", ["not-a-device"]) for number in range(15)]
    answer = play.pilot_schedule("main", *groups)
    assert answer.status == 400
    assert 1 <= len(findings(answer)) <= 10
    assert all("DeviceIDList" in path for path, _ in findings(answer))


def test_the_partners_messages_are_held_against_their_schemas_too(play: Play) -> None:
    answer = play.responded("north", Outcome(play.lot["own"][0], version="123456789"))
    assert answer.status == 400
    ((path, line),) = findings(answer)
    assert path.endswith("FirmwareVersion")
    assert int(line) > 1


@pytest.mark.parametrize(
    ("version", "supplier", "reason"),
    [
        ("4.9", "main", "served"),
        ("7.0", "main", "served"),
        ("5.55", "main", "served"),
        ("six", "main", "decimal"),
        ("6.0", "on54", "above DUIS 5.4"),
        ("5.1", "on50", "above DUIS 5.0"),
    ],
)
def test_versions_that_are_unknown_or_above_the_users(play: Play, version: str, supplier: str, reason: str) -> None:
    answer = play.read_inventory(supplier, play.lot[supplier if supplier != "main" else "own"][0], version=version)
    assert answer.status == 400
    assert reason in answer.problem("detail")
    assert findings(answer)[0][0] == "/sr:Request/@schemaVersion" or "schemaVersion" in answer.problem("detail")


def test_11_5_does_not_exist_before_6_0(play: Play) -> None:
    play.announce()
    sent = play.prepare(lambda: play.pilot_list("main", play.lot["own"]))
    answer = play.send("main", sent.unsigned.replace(b'schemaVersion="6.0"', b'schemaVersion="5.4"'))
    assert answer.status == 400


def test_a_body_that_is_not_that_of_the_service_reference(play: Play) -> None:
    """T44."""
    document = play.reading("main", play.lot["own"][0])
    swapped = document.replace(b">8.2<", b">11.5<")
    answer = play.send("main", swapped)
    assert answer.status == 400
    assert "not that of service reference 11.5" in answer.problem("detail")
    assert play.send("main", document.replace(b"Variant>8.2<", b"Variant>11.5<")).status == 400


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            b"<sr:ReadInventory>",
            b'<sr:ReadInventory xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="sr:EUI">',
        ),
        (b"<sr:DeviceID>", b'<sr:DeviceID xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">'),
        (b"</sr:ReadInventory>", b"<sr:Extra/></sr:ReadInventory>"),
        (b"</sr:Header>", b"<sr:Extra/></sr:Header>"),
    ],
)
def test_schema_tricks(play: Play, old: bytes, new: bytes) -> None:
    """T44."""
    assert play.send("main", play.reading("main", play.lot["own"][0]).replace(old, new)).status == 400


def test_other_paths_are_not_there(play: Play) -> None:
    for path in ("/", "/api/v1/serviceX", "/metrics", "/health/live", "/console"):
        assert play["main"].client.exchange("GET", path).status == 404


def _ready(url: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status
    finally:
        connection.close()


def _away(installation: Installation) -> Path:
    return installation.signing.key_path.with_suffix(".away")


def test_without_its_signing_key_the_gateway_takes_nothing_in_until_the_key_is_there(tmp_path: Path) -> None:
    """F25: 503 with Retry-After on every door, not ready, and well again without a restart."""
    with installed("sqlite", tmp_path) as installation:
        installation.signing.key_path.rename(_away(installation))
        with installation.running() as process:
            for actor in installation.actors.values():
                actor.url = process.url
            play = Play(installation, installation.lot())
            assert _ready(process.operations_url) == 503
            hub = play.lot["own"][0]
            for answer in (
                play.announce(),
                play.responded("north", Outcome(hub)),
                play.read_inventory("main", hub),
            ):
                assert (answer.status, answer.problem("stage")) == (503, "store")
                assert int(answer.headers["retry-after"]) > 0
            refused = play.sent
            fault = play.repeat("soap")
            assert fault.status == 500
            assert b"Server</faultcode>" in fault.body
            assert fault.headers["retry-after"]
            _away(installation).rename(installation.signing.key_path)
            wait_until(lambda: _ready(process.operations_url) == 200, "it is ready again")
            assert play.repeat().code == "I0", "the refused request works now, byte for byte"
            assert play.sent is refused
            assert play.announce().code == "Accepted"


def test_counters_too_far_below_the_highest_are_refused_where_a_window_is_set(tmp_path: Path) -> None:
    """T41; within the window order is of no importance, and repeats are always answered."""
    with running("sqlite", tmp_path, {("security", "counter_window"): 10}) as installation:
        play = Play(installation, installation.lot())

        def read(counter: int, supplier: str = "main") -> Answer:
            request_id = f"{play[supplier].eui}:90-B3-D5-1F-30-00-00-02:{counter}"
            return play.send(supplier, play.reading(supplier, play.lot["own"][0], request_id=request_id))

        first = read(80)
        sent = play.sent
        assert [read(counter).code for counter in (100, 95, 90)] == ["I0"] * 3
        for counter in (89, 1):
            answer = read(counter)
            assert (answer.status, answer.problem("stage")) == (409, "known")
        assert read(1, "gas").code == "E4", "each originator has its own counters"
        play.sent = sent
        play.check_repeat(first)


def test_a_gateway_that_was_started_again_knows_what_it_answered(tmp_path: Path) -> None:
    """F02, T39, T41: identities live in the database."""
    with installed("sqlite", tmp_path) as installation:
        answers = []
        signed = b""
        for _ in range(2):
            with installation.running() as process:
                for actor in installation.actors.values():
                    actor.url = process.url
                if not signed:
                    play = Play(installation, installation.lot())
                    play.announce()
                    signed = sign(play.reading("main", play.lot["own"][0]), play["main"].identity)
                answers.append(installation.actors["main"].client.post(PATHS[0], signed).document)
        assert answers[0] == answers[1]
        assert texts(etree.fromstring(answers[0]), "ResponseCode") == ["I0"]
