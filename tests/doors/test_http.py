"""The edge of the public listener over real sockets: what HTTP itself may look like, and what refusals look like."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator

import pytest
from lxml import etree

from duis_gateway.errors import (
    REFUSALS,
    Finding,
    IdentityReused,
    MessageRefused,
    NotAuthenticated,
    NotDurable,
    NotEntitled,
    NotSafeXml,
    NotValid,
    TooBusy,
)
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.namespaces import PROBLEM
from tests.support.broken_http import CL, TE, broken, chunked, head_of
from tests.support.doors import ANSWER, SIZE, Doors, Reply, StandIn, audited, envelope, open_doors, replies
from tests.support.signing import SIGNED

DUIS = "/api/v1/serviceD"
HEAD = head_of(DUIS)
ONCE = HEAD + b"Connection: close\r\n"


@pytest.fixture(scope="module")
def doors(wire: None) -> Iterator[Doors]:
    with open_doors(StandIn(lambda _incoming: ANSWER)) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "door", "service"),
    [
        ("/api/v1/serviceD", Door.DUIS, "serviceD"),
        ("/api/v1/serviceS", Door.DUIS, "serviceS"),
        ("/api/v1/serviceT", Door.DUIS, "serviceT"),
        ("/csp-mgmt-gw/v1/messages", Door.CSP, "messages"),
        ("/esi/v1/messages", Door.ESI, "messages"),
    ],
)
def test_each_door_hands_over_the_bytes_as_they_came(doors: Doors, path: str, door: Door, service: str) -> None:
    reply = doors.post(path)
    taken = doors.flow.taken[-1]
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, "application/xml", ANSWER)
    assert taken == Incoming(door, service, SIGNED, reply.headers["x-correlation-id"])


def test_the_correlation_id_is_our_own_and_differs_each_time(doors: Doors) -> None:
    """What the sender calls its correlation id is not taken over."""
    first = doors.post(DUIS, X_Correlation_ID="theirs").headers["x-correlation-id"]
    assert "theirs" not in (first, doors.flow.taken[-1].correlation_id)
    assert doors.post(DUIS).headers["x-correlation-id"] != first


@pytest.mark.parametrize(
    "media",
    [
        "application/xml",
        "Application/XML; charset=UTF-8",
        'application/xml;charset="utf-8"',
        "application/xml; charset='utf-8'",
        "application/xml; charset = utf8 ;",
        "application/xml; charset=US-ASCII",
        'application/xml; x="; charset=latin-1"; charset=UTF8',
    ],
)
def test_xml_in_utf_8_is_accepted(doors: Doors, media: str) -> None:
    assert doors.post(DUIS, media=media).status == 200


@pytest.mark.parametrize(
    "media",
    [
        None,
        "",
        "text/plain",
        "text/xml",
        "application/xml; charset=utf-16",
        "application/xml; charset=latin-1",
        "application/xml; charset='utf-16'",
        "application/xml; charset=",
        "application/xml; charset=utf-8; charset=utf-16",
    ],
)
def test_anything_else_is_an_unsupported_media_type(doors: Doors, media: str | None) -> None:
    """T09, T49."""
    before = len(doors.flow.taken)
    assert doors.post(DUIS, media=media).status == 415
    assert len(doors.flow.taken) == before


def test_content_codings_are_refused(doors: Doors) -> None:
    """T53: nothing is inflated."""
    refused = doors.post(DUIS, Content_Encoding="gzip")
    assert (refused.status, refused.headers["accept-encoding"]) == (415, "identity")
    assert "accept-encoding" not in doors.post(DUIS, media="text/plain").headers, "RFC 9110, 12.5.3"
    assert doors.post(DUIS, Content_Encoding="identity").status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_post_is_allowed(doors: Doors, method: str) -> None:
    """T49."""
    reply = doors.request(method, DUIS)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert reply.problem("stage") == "receive"


def test_nothing_is_served_elsewhere(doors: Doors) -> None:
    for path in ("/", "/metrics", "/health/live", "/api/v1/serviceD/", "/api/v1/serviced", "/soap/x"):
        assert doors.post(path).status == 404


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(doors: Doors) -> None:
    """T54, with a length and in chunks."""
    assert doors.post(DUIS, b"x" * SIZE).status == 200
    assert doors.post(DUIS, b"x" * (SIZE + 1)).status == 413
    in_chunks = doors.request("POST", DUIS, iter([b"x" * SIZE, b"x"]), {"Content-Type": "application/xml"})
    assert in_chunks.status == 413
    assert len(doors.flow.taken[-1].body) == SIZE


def test_a_client_that_sends_far_too_much_still_gets_its_answer(doors: Doors) -> None:
    """T54: the connection is not reset under it while it sends 30 times the limit."""
    assert doors.post(DUIS, b"x" * (30 * SIZE)).status == 413


def test_a_body_that_is_too_large_for_soap_gets_a_fault(doors: Doors) -> None:
    reply = doors.soap(b"x" * (SIZE + 1))
    assert (reply.status, reply.fault("faultcode").partition(":")[2]) == (413, "Client")


def test_a_chunked_body_is_read_whole(doors: Doors) -> None:
    """T50, and spyne's first trap: it would process the first 2 MiB of a longer one."""
    (reply,) = doors.raw(ONCE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(SIGNED[:7], SIGNED[7:]))
    assert reply.status == 200
    assert doors.flow.taken[-1].body == SIGNED
    soap = envelope()
    head = ONCE.replace(b"/api/v1/serviceD", b"/soap").replace(b"application/xml", b"text/xml")
    (reply,) = doors.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(soap[:100], soap[100:]))
    assert reply.status == 200
    assert doors.flow.taken[-1].body == SIGNED


@pytest.mark.parametrize(("sent", "status"), broken(DUIS).values(), ids=broken(DUIS).keys())
def test_http_that_can_be_read_in_two_ways_is_refused_and_the_connection_closed(
    doors: Doors, sent: bytes, status: int
) -> None:
    """T50, T51, T55: the good request that follows on the same connection is not reached either."""
    before = len(doors.flow.taken)
    with audited() as audit:
        (reply,) = doors.raw(sent + ONCE + CL + b"\r\n<a/>")
    assert reply.status == status
    assert (reply.headers["content-type"], reply.problem("status")) == ("application/problem+xml", str(status))
    assert reply.problem("correlationId") == reply.headers["x-correlation-id"]
    assert len(doors.flow.taken) == before
    assert audit.fields("status") == [status]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"Content-Length: 100\r\n\r\n<a/>", "the body ends early: the client closed the connection after 4 bytes"),
        (b"Content-Length: 100\r\n\r\n", "the body ends early: the client closed the connection after 0 bytes"),
        (TE + b"\r\n64\r\n<a/>", "the body ends early: the client closed the connection after 4 bytes"),
        (TE + b"\r\n4\r\n<a/>\r\n0\r\n", "the body ends early: the client closed the connection after 4 bytes"),
        (b"Content-Length: 40000\r\n\r\n" + b"x" * 39_999, "after 39999 bytes"),
        (b"Content-Le", "the header ends early"),
    ],
    ids=["a body", "a body that never began", "a chunk", "no end of the chunks", "a large body", "a header"],
)
def test_a_request_cut_short_is_refused_and_never_processed(doors: Doors, sent: bytes, why: str) -> None:
    """T50, F01: the client goes away in the middle, and may still listen."""
    before = len(doors.flow.taken)
    with audited() as audit, doors.connect() as client:
        client.sendall(HEAD + sent)
        doors.say_no_more(client)
        (reply,) = replies(client)
    assert (reply.status, audit.fields("status"), audit.fields("door")) == (400, [400], ["duis"])
    assert why in reply.problem("detail")
    assert len(doors.flow.taken) == before


@pytest.mark.parametrize(("path", "malformed", "too_long"), [("/soap", 500, 500), (DUIS, 400, 431)])
def test_a_header_that_is_never_whole_is_refused_by_the_door_that_its_first_line_names(
    doors: Doors, path: str, malformed: int, too_long: int
) -> None:
    """Cut short, too long, or with a bare line feed: the log had no door and no path, and the form was another's."""
    first = f"POST {path} HTTP/1.1\r\n".encode()
    cut, long, bare = b"Host: a", b"X: " + b"x" * 100_000, b"Host: a\nX: y\r\n\r\n"
    for rest, status in ((cut, malformed), (long, too_long), (bare, malformed)):
        with audited() as audit, doors.connect() as client:
            client.sendall(first + rest)
            doors.say_no_more(client)
            (reply,) = replies(client)
        assert (reply.status, audit.fields("status")) == (status, [status])
        assert (audit.fields("door"), audit.fields("path_length")) == (["duis"], [len(path)])
        assert ("Envelope" in reply.body.decode()) is (path == "/soap"), reply.body


def test_what_follows_a_first_line_that_is_none_is_not_taken_for_it(doors: Doors) -> None:
    with audited() as audit, doors.connect() as client:
        client.sendall(b"POST\r\n\r\nPOST /soap HTTP/1.1\r\n")
        (reply,) = replies(client)
    assert (reply.status, audit.fields("door"), audit.fields("path_length")) == (400, ["none"], [0])


def test_a_client_that_speaks_tls_is_told_at_once_to_speak_plain_http(doors: Doors) -> None:
    with doors.connect() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        (reply,) = replies(client)
    assert (reply.status, reply.problem("stage")) == (400, "receive")
    assert "start the URL with http://" in reply.problem("detail")


def test_a_connection_on_which_nothing_was_asked_ends_without_a_word(doors: Doors) -> None:
    with audited() as audit, doors.connect() as client:
        doors.say_no_more(client)
        assert not replies(client)
    assert not audit.records


def test_a_large_request_and_goodbye_in_one_breath_are_answered(doors: Doors) -> None:
    with doors.connect() as client:
        client.sendall(HEAD + b"Content-Length: 150000\r\n\r\n" + b"x" * 150_000)
        doors.say_no_more(client)
        assert [reply.status for reply in replies(client)] == [200]


def test_one_empty_line_before_a_request_is_ignored(doors: Doors) -> None:
    """RFC 9112, section 2.2: before the first, and after a body."""
    good = HEAD + b"Content-Length: 4\r\n\r\n<a/>"
    last = ONCE + b"Content-Length: 4\r\n\r\n<a/>"
    assert [reply.status for reply in doors.raw(b"\r\n" + good + b"\r\n" + last)] == [200, 200]


def test_of_a_request_that_is_cut_short_the_one_before_it_is_answered(doors: Doors) -> None:
    good = HEAD + b"Content-Length: 4\r\n\r\n<a/>"
    with doors.connect() as client:
        client.sendall(good + good[:-2])
        doors.say_no_more(client)
        assert [reply.status for reply in replies(client)] == [200, 400]


@pytest.mark.parametrize(
    ("cut", "then"),
    [(b"", []), (HEAD[:-2], [400]), (HEAD + b"Content-Length: 4\r\n\r\n<a", [400])],
    ids=["all", "a header that is cut", "a body that is cut"],
)
def test_whatever_came_before_goodbye_is_answered(doors: Doors, cut: bytes, then: list[int]) -> None:
    """Over TLS all of it, and goodbye, may come before the first request is answered."""
    good = HEAD + b"Content-Length: 4\r\n\r\n<a/>"
    before = len(doors.flow.taken)
    answers = doors.in_one_breath(good * 3 + cut)
    assert [reply.status for reply in answers] == [200, 200, 200, *then]
    assert len(doors.flow.taken) == before + 3


def test_pipelined_good_requests_are_answered_in_order(doors: Doors) -> None:
    """T51."""
    good = HEAD + b"Content-Length: %d\r\n\r\n%s"
    sent = b"".join(good % (len(body), body) for body in (b"<a/>", b"<bb/>")) + ONCE + b"Content-Length: -1\r\n\r\n"
    assert [reply.status for reply in doors.raw(sent)] == [200, 200, 400]
    assert [taken.body for taken in doors.flow.taken[-2:]] == [b"<a/>", b"<bb/>"]


def test_connections_are_kept_open_between_requests(doors: Doors) -> None:
    with doors.connect() as client:
        for _ in range(3):
            client.sendall(HEAD + CL + b"\r\n<a/>")
            with client.makefile("rb") as reader:
                assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
                headers = {
                    line.partition(b":")[0].lower(): line.partition(b":")[2] for line in iter(reader.readline, b"\r\n")
                }
                assert reader.read(int(headers[b"content-length"]))


def test_a_client_that_asks_first_is_told_to_go_on_or_not(doors: Doors) -> None:
    """`Expect: 100-continue`: a body over the limit is not asked for."""
    with doors.connect() as client:
        client.sendall(ONCE + CL + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(b"<a/>")
        with client.makefile("rb") as reader:
            assert b"200 OK" in reader.read()
    (reply,) = doors.raw(ONCE + b"Content-Length: 999999\r\nExpect: 100-continue\r\n\r\n")
    assert reply.status == 413


def test_what_a_client_says_a_proxy_said_is_ignored(doors: Doors) -> None:
    """T56: the audit line has the peer's own address, the WSDL an address of no forger."""
    forged = {
        "X-Forwarded-For": "192.0.2.1",
        "Forwarded": "for=192.0.2.1;host=evil.example;proto=https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-SSL-Client-Cert": "forged",
    }
    with audited() as audit:
        doors.request("GET", DUIS, headers=forged)
    assert audit.fields("remote") == ["127.0.0.1"]
    wsdl = doors.request("GET", "/soap?wsdl", headers=forged).body
    assert b"evil" not in wsdl
    assert f"{doors.url}/soap".encode() in wsdl


def refusing(error: Exception) -> StandIn:
    def act(_incoming: Incoming) -> bytes:
        raise error

    return StandIn(act)


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize(
    "error",
    [
        NotSafeXml("a"),
        NotAuthenticated("b"),
        NotEntitled("c"),
        NotValid("d"),
        IdentityReused("e"),
        NotDurable("f"),
        TooBusy("g"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_refusals_of_the_flow_look_as_the_table_says(error: MessageRefused) -> None:
    refusal = REFUSALS[type(error)]
    with open_doors(refusing(error)) as doors, audited() as audit:
        reply = doors.post(DUIS)
    assert (reply.status, reply.headers["content-type"]) == (refusal.status, "application/problem+xml")
    assert reply.problem("title") == refusal.title
    assert (reply.problem("detail"), reply.problem("stage")) == (error.detail, refusal.stage)
    assert reply.problem("instance") == f"urn:uuid:{reply.headers['x-correlation-id']}"
    assert ("retry-after" in reply.headers) == (refusal.status == 503)
    assert ("www-authenticate" in reply.headers) == (refusal.status == 401)
    # An alert rule wakes the operator for what "failed"; nobody may bring that about from outside.
    outcome = "failed" if isinstance(error, NotDurable) else "refused"
    labels = {"door": "duis", "service": "serviceD", "outcome": outcome}
    assert doors.metrics.registry.get_sample_value("gw_requests_total", labels) == 1
    assert audit.fields("event") == ["identity_reused" if refusal.status == 409 else "message_refused"]
    assert audit.fields("body_length") == [len(SIGNED)]


@pytest.mark.usefixtures("wire")
def test_findings_are_told_with_path_line_and_reason() -> None:
    findings = (Finding("/sr:Request/sr:Body", 7, "not \x00 allowed"), Finding("/sr:Request", None, "x" * 5000))
    with open_doors(refusing(NotValid("invalid", findings))) as doors:
        root = etree.fromstring(doors.post(DUIS).body)
    items = [[(child.tag, child.text) for child in item] for item in root.findall(f"{{{PROBLEM}}}errors/*")]
    assert items[0] == [
        (f"{{{PROBLEM}}}path", "/sr:Request/sr:Body"),
        (f"{{{PROBLEM}}}line", "7"),
        (f"{{{PROBLEM}}}reason", "not \N{REPLACEMENT CHARACTER} allowed"),
    ]
    assert [tag for tag, _ in items[1]] == [f"{{{PROBLEM}}}path", f"{{{PROBLEM}}}reason"]
    assert len(items[1][1][1] or "") == 300


@pytest.mark.usefixtures("wire")
def test_a_defect_is_told_by_its_correlation_id_alone(caplog: pytest.LogCaptureFixture) -> None:
    with open_doors(refusing(KeyError("the secret cause"))) as doors, caplog.at_level(logging.ERROR):
        reply = doors.post(DUIS)
    assert (reply.status, reply.problem("stage")) == (500, "unknown")
    assert b"secret" not in reply.body
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.__dict__["correlation_id"] == reply.headers["x-correlation-id"]


@pytest.mark.usefixtures("wire")
def test_audit_lines_have_no_word_of_the_sender() -> None:
    """Hostile input by length and hash; a reason cannot forge a line."""
    with open_doors(refusing(NotSafeXml("bad\r\nevent=forged"))) as doors, audited() as audit:
        doors.post(DUIS, b"<secret/>", X_Evil="secret")
        doors.request("POST", "/secret/path", b"")
    said = json.dumps([record.__dict__ for record in audit.records], default=str)
    assert "secret" not in said
    assert audit.fields("reason")[0] == "bad\\r\\nevent=forged"
    assert audit.fields("path_length") == [len(DUIS), len("/secret/path")]
    assert audit.fields("body_sha256")[0] == hashlib.sha256(b"<secret/>").hexdigest()


@pytest.mark.usefixtures("wire")
def test_requests_are_counted_by_door_service_and_outcome() -> None:
    with open_doors(StandIn(lambda _incoming: ANSWER)) as doors:
        doors.post(DUIS)
        doors.post(DUIS, media="text/plain")
        doors.post("/nowhere/at/all")
        assert doors.soap(envelope()).status == 200
        value = doors.metrics.registry.get_sample_value
    labels = {"door": "duis", "service": "serviceD", "outcome": "answered"}
    assert value("gw_requests_total", labels) == 1
    assert value("gw_requests_total", labels | {"outcome": "refused"}) == 1
    assert value("gw_requests_total", labels | {"service": "soap"}) == 1
    assert value("gw_requests_total", {"door": "none", "service": "none", "outcome": "refused"}) == 1
    assert value("gw_rejections_total", {"stage": "receive"}) == 2
    assert b"nowhere" not in doors.metrics.exposition()[1]


def test_a_transfer_coding_that_is_not_supported_is_refused_and_no_failure(doors: Doors) -> None:
    coded = HEAD.replace(b"\r\n", b"\r\nTransfer-Encoding: gzip, chunked\r\n", 1)
    assert [reply.status for reply in doors.raw(coded + b"\r\n")] == [501]
    labels = {"door": "duis", "service": "serviceD", "outcome": "failed"}
    assert not doors.metrics.registry.get_sample_value("gw_requests_total", labels)


def test_random_bytes_get_a_clean_refusal_or_none(doors: Doors) -> None:
    """T10, T51: whatever comes, the listener goes on, and nothing of it is processed."""
    before = len(doors.flow.taken)
    for seed in range(60):
        noise = bytes((seed * 37 + i * i * 11) % 256 for i in range(200)) + b"\r\n\r\n"
        answers: list[Reply] = doors.raw(noise if seed % 2 else HEAD + noise)
        assert all(400 <= reply.status < 500 for reply in answers)
        assert answers
    assert len(doors.flow.taken) == before
    assert doors.post(DUIS).status == 200
