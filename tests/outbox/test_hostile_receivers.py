"""Receivers that answer as no receiver should: what becomes of a message, and of the next one (F30, T67)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from time import monotonic

import pytest

from duis_gateway.machine.strays import Strays
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.retry import Failure
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from tests.support.web_certificates import make_web_certificate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NO = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
BUSY = b"HTTP/1.1 102 Processing\r\n\r\n"

DELIVERED, STATUS, CONNECTION, TIMEOUT = "delivered", "status", "connection", "timeout"

Answer = Callable[["Peer", bytes], None]


class Peer:
    """One connection that the receiver has taken."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self.connection = connection
        self.over = over

    def say(self, content: bytes) -> None:
        self.connection.sendall(content)

    def close(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError  # ends the conversation, so that closing sends the reset

    def for_ever(self, piece: bytes, pause: float = 0.0) -> None:
        while not self.over.wait(pause):
            self.say(piece)


def says(*pieces: bytes, close: bool = False) -> Answer:
    """An answer in pieces that are sent at once, or a moment apart."""

    def answer(peer: Peer, _: bytes) -> None:
        for piece in pieces:
            peer.say(piece)
            peer.over.wait(0.05 if len(pieces) > 1 else 0)
        if close:
            peer.close()

    return answer


def says_at_once(*pieces: bytes) -> Answer:
    """An answer in pieces, a TLS record each, without a moment between them."""

    def answer(peer: Peer, _: bytes) -> None:
        for piece in pieces:
            peer.say(piece)

    return answer


def for_ever(first: bytes, piece: bytes, pause: float = 0.0) -> Answer:
    def answer(peer: Peer, _: bytes) -> None:
        peer.say(first)
        peer.for_ever(piece, pause)

    return answer


@contextlib.contextmanager
def receiving(
    first: Answer,
    answered: threading.Event,
    tls: ssl.SSLContext | None = None,
    reads_body: bool = True,
    greeted: threading.Event | None = None,
    every: bool = False,
    narrow: bool = False,
) -> Iterator[str]:
    """A receiver that answers the first message, or every one, like this, and others with 503, on any connection.

    To a `narrow` one the system sends some 15,000 octets before it waits for them to be read.
    """
    over, answers = threading.Event(), repeat(first) if every else iter([first])
    answered.clear()
    refuse = says(NO)

    def secured(connection: socket.socket) -> socket.socket:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(connection, server_side=True) if tls else connection

    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), secured(plain) as connection, connection.makefile("rb") as reader:
            if greeted:
                connection.sendall(OK)
                greeted.set()
            while line := reader.readline():
                length = 0
                while line.strip():
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                    line = reader.readline()
                answer = next(answers, refuse)
                body = reader.read(length) if reads_body or answer is refuse else b""
                try:
                    answer(Peer(connection, over), body)
                finally:
                    answered.set()

    def accept(listener: socket.socket) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        if narrow:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            over.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def outcome(failure: Failure | None) -> str:
    return DELIVERED if failure is None else str(failure.kind)


CASES: dict[str, tuple[Answer, str]] = {
    "103 before 503": (says(HINTS + NO), STATUS),
    "103, then 503": (says(HINTS, NO), STATUS),
    "100 and 102 before 503": (says(GO_ON + BUSY + NO), STATUS),
    "100, then 102, then 503": (says(GO_ON, BUSY, NO), STATUS),
    "103 before 200": (says(HINTS, OK), DELIVERED),
    "103 and nothing more": (says(HINTS, close=True), CONNECTION),
    "103 and half a 200": (says(HINTS + OK[:20], close=True), CONNECTION),
    "101": (
        says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", close=True),
        CONNECTION,
    ),
    "103 for ever": (for_ever(b"", HINTS), ""),
    "102 now and then for ever": (for_ever(b"", BUSY, 0.1), TIMEOUT),
    "503 with a 200 behind it": (says(NO + OK), STATUS),
    "503, then a 200": (says(NO, OK), STATUS),
    "200 with another behind it": (says(OK + OK), DELIVERED),
    "200, then another": (says(OK, OK), DELIVERED),
    "200 with a 408 behind it": (says(OK + b"HTTP/1.1 408 Late\r\n\r\n", close=True), DELIVERED),
    "200 with bytes behind its body": (
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n"),
        DELIVERED,
    ),
    "200 with another in the record of its body": (
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok" + OK),
        DELIVERED,
    ),
    "chunks with another 200 behind them": (
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n" + OK),
        DELIVERED,
    ),
    "200 and another at once": (says_at_once(OK, OK), DELIVERED),
    "204 with a body": (says(b"HTTP/1.1 204 No Content\r\n\r\n" + OK), DELIVERED),
    "garbage": (says(b"\x00\x01 what is this\r\n\r\n" * 20, close=True), CONNECTION),
    "no header at all": (says(b"ok", close=True), CONNECTION),
    "another protocol": (says(b"220 mail.example ESMTP\r\n", close=True), CONNECTION),
    "a version that is none": (says(b"HTTP/9.9 200 OK\r\n\r\n", close=True), CONNECTION),
    "a status that is none": (says(b"HTTP/1.1 20 OK\r\n\r\n", close=True), CONNECTION),
    "half a status line": (says(b"HTTP/1.1 200", close=True), CONNECTION),
    "a status line alone": (says(b"HTTP/1.1 200 OK\r\n", close=True), CONNECTION),
    "half a header": (says(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), CONNECTION),
    "nothing": (says(b"", close=True), CONNECTION),
    "a reset": (lambda peer, _: peer.reset(), CONNECTION),
    "half a body": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", close=True), DELIVERED),
    "half a body of a 503": (says(b"HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\nhalf", close=True), STATUS),
    "half a chunk": (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", close=True), DELIVERED),
    "two lengths": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", close=True), CONNECTION),
    "header lines for ever": (for_ever(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 100), CONNECTION),
    "one header line for ever": (for_ever(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000), CONNECTION),
    "a body for ever": (for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000), DELIVERED),
    "a body of a 503 for ever": (for_ever(b"HTTP/1.1 503 No\r\n\r\n", b"x" * 10_000), STATUS),
    "a body by the byte": (for_ever(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x", 0.05), DELIVERED),
    "a header by the byte": (for_ever(b"HTTP/1.1 200 OK\r\nX: ", b"y", 0.05), TIMEOUT),
    "silence": (lambda peer, _: peer.for_ever(b"", 60), TIMEOUT),
    "a redirect": (says(b"HTTP/1.1 307 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"), STATUS),
}


@dataclass(frozen=True)
class Way:
    """How the receiver is reached, and a transport that trusts it."""

    tls: ssl.SSLContext | None
    settings: TransportSettings


WAYS = ("HTTP", "TLSv1_2", "TLSv1_3")


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Way:
    settings = TransportSettings(total_timeout=2.0, allowed_networks=parse_networks(["127.0.0.0/8"]))
    if request.param == "HTTP":
        return Way(None, settings)
    certificate = make_web_certificate(tmp_path_factory.mktemp("tls") / "receiver.pem", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[request.param]
    return Way(context, replace(settings, ca_file=certificate))


SLOW = {"silence", "102 now and then for ever", "a header by the byte", "a body by the byte"}
EXCHANGES = [
    pytest.param(way, answer, expected, id=f"{name}, {way}")
    for way in WAYS
    for name, (answer, expected) in CASES.items()
    if way == "HTTP" or name not in SLOW
]


@pytest.mark.parametrize(("way", "answer", "expected"), EXCHANGES, indirect=["way"])
def test_a_hostile_answer_is_its_own_messages_alone(way: Way, answer: Answer, expected: str) -> None:
    """The first message is what the answer made it; the next one is refused with 503, and never counts as delivered."""
    transport = HttpTransport(way.settings)
    answered = threading.Event()
    with receiving(answer, answered, way.tls) as url:
        started = monotonic()
        first = outcome(transport.post(url, b"<first/>", "application/xml"))
        assert monotonic() - started < 10, "beyond the deadline"
        answered.wait(0.5)  # those that go on for ever do not end; all others have said everything
        following = [transport.post(url, b"<next/>", "application/xml") for _ in range(2)]
    transport.close()
    assert first in ([expected] if expected else [CONNECTION, TIMEOUT])
    assert [(one.status if one else None) for one in following] == [503, 503]


@pytest.mark.parametrize("said", ["HTTP/2 200", "HTTP/1.1 000", "http/1.1 200", "\x9bhello", "HTTP/1.1 20"])
def test_what_is_no_answer_of_http_is_told_as_such(said: str) -> None:
    transport = HttpTransport(TransportSettings(total_timeout=5.0, allowed_networks=parse_networks(["127.0.0.0/8"])))
    with receiving(says(f"{said} x\r\n\r\n".encode(), close=True), threading.Event()) as url:
        failure = transport.post(url, b"<first/>", "application/xml")
    transport.close()
    assert failure
    assert failure.detail.startswith("not an HTTP/1.1 answer: ")
    assert "subversion" not in failure.detail, "the version is right, the status is not"
    assert failure.detail.isprintable()


@pytest.mark.parametrize("size", [50_000, 30_000_000], ids=["in libcurl's buffer", "beyond libcurl's buffer"])
def test_nobody_accepts_what_has_not_been_sent(size: int) -> None:
    """A 200 that comes after the header of a request, whose body is never read, is no acceptance."""
    settings = TransportSettings(total_timeout=5.0, allowed_networks=parse_networks(["127.0.0.0/8"]))
    with (
        receiving(for_ever(OK, b"", 60), threading.Event(), reads_body=False, narrow=True) as url,
        contextlib.closing(HttpTransport(settings)) as transport,
    ):
        failure = transport.post(url, b"x" * size, "application/xml")
        assert failure
        assert failure.detail == "HTTP 200 before the whole message was sent"
        following = transport.post(url, b"<next/>", "application/xml")
        assert following
        assert following.status == 503


@pytest.mark.parametrize("size", [0, 2, 20_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_connection_is_used_again_after_answers_that_are_in_order(way: Way, size: int, chunked: bool) -> None:
    body = b"x" * size
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = {
        False: (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, body),
        True: (head, b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if size else b"0\r\n\r\n"),
    }
    peers: list[Peer] = []

    def answer(peer: Peer, _: bytes) -> None:
        peers.append(peer)
        for piece in answers[chunked]:
            peer.say(piece)

    with (
        receiving(answer, threading.Event(), way.tls, every=True) as url,
        contextlib.closing(HttpTransport(way.settings)) as transport,
    ):
        assert [transport.post(url, b"<x/>" * 10_000, "application/xml") for _ in range(4)] == [None] * 4
    assert len({peer.connection for peer in peers}) == 1


def test_what_comes_before_the_request_is_no_answer(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    greeted, answered, look = threading.Event(), threading.Event(), Strays.ask

    def look_late(strays: Strays, connection: socket.socket) -> bool:
        greeted.wait(5)
        return look(strays, connection)

    monkeypatch.setattr(Strays, "ask", look_late)
    with (
        receiving(says(OK), answered, way.tls, greeted=greeted, every=True) as url,
        contextlib.closing(HttpTransport(way.settings)) as transport,
    ):
        for _ in range(3):
            greeted.clear()
            failure = transport.post(url, b"<x/>", "application/xml")
            assert failure
            assert failure.detail == "octets came before the request was sent"


def test_whoever_sends_what_nobody_asked_for_gets_a_connection_for_each_message(
    way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    """A second answer that comes once the next request is out cannot be told from its answer (T67)."""
    peers: list[Peer] = []
    answered = threading.Event()

    def answer(peer: Peer, _: bytes) -> None:
        peers.append(peer)
        peer.say(OK)
        if len(peers) == 1:
            peer.over.wait(0.5)  # until libcurl has read the answer, on a busy machine too
            peer.say(OK)

    with (
        receiving(answer, answered, way.tls, every=True) as url,
        contextlib.closing(HttpTransport(way.settings)) as transport,
    ):
        for _ in range(4):
            answered.clear()
            assert transport.post(url, b"<x/>", "application/xml") is None
            answered.wait(5)
    assert len({peer.connection for peer in peers}) == 4
    assert caplog.text.count("octets that belong to no answer came from") == 1


def test_a_second_answer_that_is_read_with_the_next_ones_own_is_found_out(
    way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    """T67: libcurl closes such a connection by itself, after a message that counts: it must be the only one."""
    peers: list[Peer] = []
    refused = 0

    def answer(peer: Peer, _: bytes) -> None:
        nonlocal refused
        is_first = peer.connection not in [one.connection for one in peers]
        peers.append(peer)
        refused += not is_first
        peer.say(OK if is_first else OK + NO)

    with (
        receiving(answer, threading.Event(), way.tls, every=True) as url,
        contextlib.closing(HttpTransport(way.settings)) as transport,
    ):
        assert [transport.post(url, b"<x/>", "application/xml") for _ in range(6)] == [None] * 6
    assert refused == 1
    assert caplog.text.count("octets that belong to no answer came from") == 1


ENDS = {
    "it is said": (OK.replace(b"Content", b"Connection: close\r\nContent"), True),
    "nothing is said": (OK, True),
    "HTTP/1.0": (OK.replace(b"1.1", b"1.0"), True),
    "an end that only closing shows": (b"HTTP/1.1 200 OK\r\n\r\nyes", True),
    "no end": (b"HTTP/1.1 204 No Content\r\n\r\n", False),
}


@pytest.mark.parametrize(("answer", "close"), ENDS.values(), ids=ENDS)
def test_whoever_closes_its_connections_has_sent_nothing_unasked(
    way: Way, answer: bytes, close: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        receiving(says(answer, close=close), threading.Event(), way.tls, every=True) as url,
        contextlib.closing(HttpTransport(way.settings)) as transport,
    ):
        assert [transport.post(url, b"<x/>", "application/xml") for _ in range(4)] == [None] * 4
    assert "octets that belong to no answer" not in caplog.text


def test_without_kept_connections_no_answer_can_be_anothers(way: Way) -> None:
    settings = replace(way.settings, keep_connections=False)
    peers: list[Peer] = []

    def answer(peer: Peer, _: bytes) -> None:
        peers.append(peer)
        peer.say(OK)

    with (
        receiving(answer, threading.Event(), way.tls, every=True) as url,
        contextlib.closing(HttpTransport(settings)) as transport,
    ):
        assert [transport.post(url, b"<x/>", "application/xml") for _ in range(3)] == [None] * 3
    assert len({peer.connection for peer in peers}) == 3
