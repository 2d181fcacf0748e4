"""One POST, over real sockets, to recipients of every kind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pycurl
import pytest

from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from tests.support import receivers
from tests.support.receivers import Receiver
from tests.support.scripted_peer import scripted_peer
from tests.support.tls_pki import Authority
from tests.support.web_certificates import make_web_certificate

SETTINGS = TransportSettings(total_timeout=1.0, allowed_networks=parse_networks(["127.0.0.0/8"]))
LARGE = b"<x>" + b"y" * 200_000 + b"</x>"


class Resolving(HttpTransport):
    """Looks names up in a table of the test's own (`HOST:PORT:ADDRESS,...`)."""

    def __init__(self, settings: TransportSettings, *table: str) -> None:
        super().__init__(settings)
        self._options[pycurl.RESOLVE] = list(table)


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    transport = HttpTransport(SETTINGS)
    yield transport
    transport.close()


def post(transport: HttpTransport, receiver: Receiver, content: bytes = b"<x/>") -> Failure | None:
    return transport.post(receiver.url, content, "application/xml")


def failed(failure: Failure | None) -> Failure:
    assert failure is not None, "accepted"
    return failure


def test_the_bytes_arrive_as_they_are(transport: HttpTransport) -> None:
    with Receiver() as receiver:
        assert post(transport, receiver, LARGE) is None
        arrival = receiver.arrivals[0]
    assert (arrival.body, arrival.path) == (LARGE, "/receive")
    assert arrival.headers["Content-Type"] == "application/xml"
    assert arrival.headers["Host"] == f"127.0.0.1:{receiver.port}"


def test_connections_are_kept_while_all_is_well(transport: HttpTransport) -> None:
    """After anything but a clean 2xx the next goes over another, so that no late answer is taken for its own."""
    with Receiver(lambda body: "503" if b"no" in body else "202") as receiver:
        for content in (b"a", b"no", b"b", b"c"):
            post(transport, receiver, content)
        assert (len(receiver.arrivals), receiver.connections) == (4, 2)


@pytest.mark.parametrize(
    ("mode", "status", "retry_after"),
    [
        ("500", 500, None),
        ("404", 404, None),
        ("429 Retry-After: 7", 429, 7.0),
        ("503 Retry-After: Fri, 21 Nov 2025 10:00:30 GMT\r\nDate: Fri, 21 Nov 2025 10:00:00 GMT", 503, 30.0),
        ("503 Retry-After: soon", 503, None),
        ("503 Retry-After: -5", 503, None),
        ("503 Retry-After: Fri, 21 Nov 2025 10:00:30 +99999999999999999999", 503, None),
    ],
)
def test_a_status_is_told_with_what_the_recipient_says(
    transport: HttpTransport, mode: str, status: int, retry_after: float | None
) -> None:
    """F15; what goes into logs is one printable line."""
    with Receiver(mode) as receiver:
        failure = failed(post(transport, receiver))
    assert (failure.kind, failure.status, failure.retry_after) == (FailureKind.STATUS, status, retry_after)
    assert failure.detail == f"HTTP {status}: this is {status} and [31mmore"


def test_redirects_are_not_followed(transport: HttpTransport) -> None:
    """T62."""
    with Receiver() as inner, Receiver(f"307 Location: {inner.url}") as receiver:
        failure = failed(post(transport, receiver))
        assert failure.status == 307
        assert failure.detail == (
            f"HTTP 307 to {inner.url}: redirects are not followed; register the URL that accepts alerts"
        )
        assert not inner.arrivals


@pytest.mark.parametrize("mode", [receivers.DROP, receivers.RESET, receivers.GARBAGE])
def test_broken_answers_are_failed_connections(transport: HttpTransport, mode: str) -> None:
    """F30; and the next message is not disturbed."""
    with Receiver(mode) as receiver:
        assert failed(post(transport, receiver)).kind is FailureKind.CONNECTION
        receiver.mode = receivers.OK
        assert post(transport, receiver) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
)
def test_a_header_that_breaks_off_accepts_nothing(transport: HttpTransport, answer: bytes) -> None:
    """F30: a proxy that died while it answered; only a whole header says that the message was accepted."""
    with scripted_peer([(b"<x/>", answer)]) as port:
        failure = failed(transport.post(f"http://127.0.0.1:{port}/", b"<x/>", "application/xml"))
    assert failure.kind is FailureKind.CONNECTION


def test_nobody_there(transport: HttpTransport) -> None:
    with Receiver() as receiver:
        pass
    failure = failed(post(transport, receiver))
    assert failure.kind is FailureKind.CONNECTION
    assert "refused" in failure.detail


@pytest.mark.parametrize("mode", [receivers.HANG, receivers.DRIP])
def test_silence_and_dripping_end_at_the_deadline(transport: HttpTransport, mode: str) -> None:
    """F14, F17: a byte now and then does not buy more time."""
    with Receiver(mode) as receiver:
        started = monotonic()
        failure = failed(post(transport, receiver))
        assert (failure.kind, failure.detail.partition(":")[0]) == (FailureKind.TIMEOUT, "no answer within 1 s")
        assert monotonic() - started < 10
        receiver.mode = receivers.OK
        assert post(transport, receiver) is None


def test_silence_on_a_kept_connection_is_no_answer(transport: HttpTransport) -> None:
    with Receiver() as receiver:
        assert post(transport, receiver) is None
        receiver.mode = receivers.HANG
        assert failed(post(transport, receiver)).detail == "no answer within 1 s"
        assert receiver.connections == 1


def test_what_did_not_come_in_time_is_named() -> None:
    """A handshake or connection that does not come has a shorter time than the answer."""
    transport = HttpTransport(replace(SETTINGS, connect_timeout=0.5, total_timeout=20.0))
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        urls = [f"https://127.0.0.1:{silent.getsockname()[1]}/", f"http://127.0.0.1:{full.getsockname()[1]}/"]
        said = [failed(transport.post(url, b"x", "application/xml")).detail for url in urls]
        for one in waiting:
            one.close()
    transport.close()
    assert said == ["no TLS handshake within 0.5 s", "no connection within 0.5 s"]


def test_a_peer_that_does_not_read_ends_at_the_deadline(transport: HttpTransport) -> None:
    """F17: more than the socket's buffers hold, to somebody who takes none of it."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        failure = transport.post(f"http://127.0.0.1:{deaf.getsockname()[1]}/", b"x" * 50_000_000, "application/xml")
    assert failed(failure).kind is FailureKind.TIMEOUT


@pytest.mark.parametrize("mode", [receivers.OK_DRIP, receivers.OK_HUGE])
def test_accepted_is_accepted_whatever_the_body_does(transport: HttpTransport, mode: str) -> None:
    """T63: a reply without end is cut; its status stands, since sending again would only make a repeat."""
    with Receiver(mode) as receiver:
        assert post(transport, receiver) is None
        assert post(transport, receiver) is None
        assert receiver.connections == 2


def test_inner_addresses_are_refused_at_connect() -> None:
    """T61: also where a registered name changed its mind."""
    transport = HttpTransport(replace(SETTINGS, allowed_networks=()))
    with Receiver() as receiver:
        for host in ("127.0.0.1", "localhost", "2130706433"):
            failure = transport.post(f"http://{host}:{receiver.port}/", b"x", "application/xml")
            assert failed(failure).kind is FailureKind.ADDRESS
        assert receiver.connections == 0
    transport.close()


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """T61: whatever a name leads to in the end (DNS rebinding), the guard sees the address at each connect."""
    with Receiver() as receiver, Receiver() as inner:
        for networks, outcome in (((), FailureKind.ADDRESS), (SETTINGS.allowed_networks, None)):
            transport = Resolving(
                replace(SETTINGS, allowed_networks=networks), f"rebind.test:{receiver.port}:127.0.0.1"
            )
            failure = transport.post(f"http://rebind.test:{receiver.port}/", b"x", "application/xml")
            assert (failure and failure.kind) == outcome
            transport.close()
        assert [one.headers["Host"] for one in receiver.arrivals] == [f"rebind.test:{receiver.port}"]
        assert not inner.connections


def test_of_a_names_addresses_only_the_allowed_are_connected_to() -> None:
    """T61: the guard refuses one address, and the next one is tried."""
    with Receiver() as receiver:
        networks = parse_networks(["127.0.0.1/32"])
        transport = Resolving(
            replace(SETTINGS, allowed_networks=networks), f"both.test:{receiver.port}:127.0.0.2,127.0.0.1"
        )
        assert transport.post(f"http://both.test:{receiver.port}/", b"x", "application/xml") is None
        transport.close()


def test_header_injection_is_refused(transport: HttpTransport) -> None:
    """T66."""
    with Receiver() as receiver:
        failure = transport.post(receiver.url + "\r\nX-Evil: 1", b"x", "application/xml")
        assert failed(failure).kind is FailureKind.ADDRESS
        assert not receiver.arrivals


def test_tls_is_verified(tmp_path: Path) -> None:
    """T64: only a certificate of a known authority, for this name, in its time."""
    good = make_web_certificate(tmp_path / "good.pem", "127.0.0.1")
    other_name = make_web_certificate(tmp_path / "other.pem", "127.0.0.2")
    expired = make_web_certificate(tmp_path / "expired.pem", "127.0.0.1", expired=True)
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(good.read_bytes() + other_name.read_bytes() + expired.read_bytes())
    kinds = {}
    for name, certificate, trusted in (
        ("good", good, authorities),
        ("other name", other_name, authorities),
        ("expired", expired, authorities),
        ("unknown", good, None),
    ):
        transport = HttpTransport(replace(SETTINGS, total_timeout=5.0, ca_file=trusted))
        with Receiver(tls=certificate) as receiver:
            failure = post(transport, receiver)
            kinds[name] = failure and failure.kind
        transport.close()
    assert kinds == {
        "good": None,
        "other name": FailureKind.TLS,
        "expired": FailureKind.TLS,
        "unknown": FailureKind.TLS,
    }


def test_a_recipient_that_asks_for_a_certificate_gets_ours(tmp_path: Path) -> None:
    """T64: over connections that are kept; new files are shown from the next message on, without a restart."""
    server = make_web_certificate(tmp_path / "server.pem", "127.0.0.1")
    ours, later, stranger = (Authority(tmp_path / name, name) for name in ("ours", "later", "stranger"))
    own = ours.issue("gateway")
    authorities = tmp_path / "clients.pem"
    authorities.write_bytes(ours.file.read_bytes() + later.file.read_bytes())
    showing = replace(SETTINGS, total_timeout=5.0, ca_file=server, certificate=own.certificate, key=own.key)
    with Receiver(tls=server, clients=authorities) as receiver, closing(HttpTransport(showing)) as transport:
        assert [post(transport, receiver) for _ in range(3)] == [None] * 3
        assert receiver.connections == 1
        following = later.issue("next")
        following.key.replace(own.key)
        following.certificate.replace(own.certificate)
        assert [post(transport, receiver) for _ in range(2)] == [None] * 2
        assert receiver.connections == 2
        wrong = stranger.issue("wrong")
        for settings in (
            replace(showing, certificate=None, key=None),
            replace(showing, certificate=wrong.certificate, key=wrong.key),
        ):
            with closing(HttpTransport(settings)) as other:
                assert failed(post(other, receiver)).kind in (FailureKind.TLS, FailureKind.CONNECTION)
        assert len(receiver.arrivals) == 5
        own.key.unlink()
        assert "private key file" in failed(post(transport, receiver)).detail


def test_a_recipient_may_have_authorities_of_its_own(tmp_path: Path) -> None:
    """T64: its own and no others; everybody else has those of all."""
    of_all, of_one = (make_web_certificate(tmp_path / f"{name}.pem", "127.0.0.1") for name in ("all", "one"))
    folder = tmp_path / "authorities"
    folder.mkdir()
    one, another = 0x90B3D51F30010000, 0x0000000000000002
    (folder / f"{one:016X}.pem").write_bytes(of_one.read_bytes())
    settings = replace(SETTINGS, total_timeout=5.0, ca_file=of_all, ca_folder=folder)
    with closing(HttpTransport(settings)) as transport, Receiver(tls=of_one) as ones, Receiver(tls=of_all) as others:

        def sent(receiver: Receiver, to: int) -> FailureKind | None:
            failure = transport.post(receiver.url, b"<x/>", "application/xml", to)
            return None if failure is None else failure.kind

        assert (sent(ones, one), sent(others, another)) == (None, None)
        assert (sent(others, one), sent(ones, another)) == (FailureKind.TLS, FailureKind.TLS)
        (folder / f"{one:016X}.pem").unlink()
        assert sent(ones, one) is FailureKind.TLS, "a connection that was kept is of an authority that is gone"


def test_a_handshake_that_never_comes_ends_at_the_deadline(transport: HttpTransport) -> None:
    """F17 under TLS."""
    with Receiver(receivers.HANG) as receiver:
        failure = transport.post(receiver.url.replace("http:", "https:"), b"x", "application/xml")
    assert failed(failure).kind in (FailureKind.TIMEOUT, FailureKind.TLS)


def test_a_dripping_handshake_ends_at_the_deadline(transport: HttpTransport) -> None:
    """F17 under TLS: bytes of a handshake record that never ends."""
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")
            while not over.wait(0.05):
                try:
                    connection.sendall(b"\x00")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        started = monotonic()
        failure = transport.post(f"https://127.0.0.1:{server.getsockname()[1]}/", b"x", "application/xml")
        over.set()
        thread.join()
    assert failed(failure).kind is FailureKind.TIMEOUT
    assert monotonic() - started < 10


def test_abort_ends_what_is_going_on() -> None:
    """F24."""
    transport = HttpTransport(replace(SETTINGS, total_timeout=60.0))
    outcome: list[Failure | None] = []
    with Receiver(receivers.HANG) as receiver:
        thread = threading.Thread(target=lambda: outcome.append(post(transport, receiver)))
        thread.start()
        receiver.wait_for_arrivals(1)
        transport.abort()
        thread.join(10)
    transport.close()
    assert failed(outcome[0]).kind is FailureKind.INTERRUPTED
