"""What is refused before anything is decided, and what happens without a signing key.

Every refusal that leaves no more than itself is in the table of `tests/wire`.
"""

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


@pytest.fixture
def play(on_sqlite: Installation) -> Iterator[Play]:
    """The parties on one kind of database: which one makes no difference here."""
    with playing(on_sqlite) as play:
        yield play


def findings(answer: Answer) -> list[tuple[str, str]]:
    """Return path and line of each thing that is wrong."""
    items = etree.fromstring(answer.body).iterfind(f".//{{{PROBLEM}}}i")
    return [(only(item, "path"), only(item, "line")) for item in items]


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
