"""Clients without credentials that would have all connections, workers, memory or descriptors: others are served."""

from __future__ import annotations

import http.client
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from duis_gateway.doors.crowd import Crowd
from duis_gateway.doors.http import Route
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.server import Server
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.flow.incoming import Incoming
from duis_gateway.operations.figures import OutboxFigures, Sources
from duis_gateway.operations.listener import operations_app
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.readiness import Check
from tests.support.doors import ANSWER, SIZE, Doors, StandIn, open_doors, replies
from tests.support.writing import wait_until

DUIS = "/api/v1/serviceD"
HEAD = b"POST /api/v1/serviceD HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\n"
GOOD = HEAD + b"Content-Length: 4\r\n\r\n<a/>"
WSDL = b"GET /soap?wsdl HTTP/1.1\r\nHost: gateway\r\n\r\n"
ROOT = Path(__file__).resolve().parents[2]


def taking_all() -> StandIn:
    return StandIn(lambda _incoming: ANSWER)


def unread(doors: Doors, sent: bytes) -> socket.socket:
    """A client that sends as much as it can get rid of, and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((doors.server.host, doors.server.port))
    client = doors.over(client)
    client.setblocking(False)
    with suppress(ssl.SSLWantWriteError):
        while sent and select.select([], [client], [], 0.2)[1]:
            sent = sent[client.send(sent) :]
    return client


def ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


@contextmanager
def streaming(pieces: Callable[[], Iterator[bytes]], limits: ServerLimits) -> Iterator[Doors]:
    """Doors of two workers, with a table under /table."""
    route = Route("/table", "party", "table", ("GET", "HEAD"), lambda _request: Answer(200, "text/csv", pieces()))
    with open_doors(taking_all(), limits, lambda _handler: [route], threads=2) as doors:
        yield doors


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 50_000


@pytest.mark.usefixtures("wire")
def test_who_pipelines_and_does_not_read_holds_no_worker() -> None:
    """With six times as many of them as workers."""
    with open_doors(taking_all(), threads=2) as doors, ExitStack() as opened:
        for _ in range(12):
            opened.enter_context(unread(doors, WSDL * 2000))
        assert doors.post(DUIS).status == 200


@pytest.mark.usefixtures("wire")
def test_tables_that_nobody_reads_hold_no_worker_and_are_bounded() -> None:
    with streaming(endless, ServerLimits(body=SIZE, streams=3, streams_of_one=3)) as doors, ExitStack() as opened:
        for _ in range(3):
            client = opened.enter_context(unread(doors, b"GET /table HTTP/1.1\r\nHost: gateway\r\n\r\n"))
            client.settimeout(20)
            assert client.recv(12) == b"HTTP/1.1 200", "each has its place before another asks"
        assert doors.post(DUIS).status == 200
        reply = doors.request("GET", "/table")
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("in_pieces", [False, True])
def test_answers_that_nobody_reads_count_towards_what_is_held(in_pieces: bool) -> None:
    """Beyond it the connections of those who do not read end; who reads gets the whole, whatever its address."""
    whole = b"x" * 5_000_000

    def message(_request: HttpRequest) -> Answer:
        pieces = (whole[n : n + 100_000] for n in range(0, len(whole), 100_000))
        return Answer(200, "application/xml", pieces if in_pieces else whole, holds_snapshot=False)

    def rest_of(client: socket.socket) -> int:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000_000)
        with suppress(ConnectionResetError):
            reader = client.makefile("rb")
            return len(reader.read())
        return 0

    held = 500_000 if in_pieces else 6_000_000
    routes = [Route("/message", "party", "message", ("GET",), message)]
    limits = ServerLimits(body=SIZE, held=held)
    with open_doors(taking_all(), limits, lambda _: routes, threads=2) as doors, ExitStack() as opened:
        asked_for = b"GET /message HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"
        clients = [opened.enter_context(unread(doors, asked_for)) for _ in range(10)]
        for client in clients:
            client.settimeout(20)
            assert client.recv(12) == b"HTTP/1.1 200", "each was begun"
        time.sleep(1.5)  # any client may have read nothing for a moment
        assert doors.request("GET", "/message").body == whole
        taken = [rest_of(client) > len(whole) for client in clients]
        assert taken.count(False) >= 5


@pytest.mark.usefixtures("wire")
def test_one_party_leaves_places_for_the_tables_of_others() -> None:
    """The places of one that does not read are its own, and free again when it goes."""

    def table(request: HttpRequest) -> Answer:
        return Answer(200, "text/csv", endless(), asker=int(request.query))

    def ask(party: int) -> socket.socket:
        client = doors.connect()
        client.sendall(b"GET /table?%d HTTP/1.1\r\nHost: gateway\r\n\r\n" % party)
        return opened.enter_context(client)

    def is_sent(client: socket.socket) -> bool:
        return client.recv(12) == b"HTTP/1.1 200"

    routes = [Route("/table", "party", "table", ("GET",), table)]
    with ExitStack() as opened:
        doors = opened.enter_context(open_doors(taking_all(), ServerLimits(body=SIZE), lambda _: routes, threads=2))
        greedy = [ask(1) for _ in range(12)]
        assert [is_sent(client) for client in greedy].count(True) == 2
        assert is_sent(ask(2))
        for client in greedy:
            client.close()
        wait_until(lambda: is_sent(ask(1)))


@pytest.mark.usefixtures("wire")
def test_a_table_ends_where_its_client_is_waited_for_too_long_though_it_reads() -> None:
    """It holds a snapshot of the database; its end is not that of a whole table."""
    closed = threading.Event()

    def table() -> Iterator[bytes]:
        try:
            yield from endless()
        finally:
            closed.set()

    with streaming(table, ServerLimits(body=SIZE, stream_time=0.5)) as doors, doors.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /table HTTP/1.1\r\nHost: gateway\r\n\r\n")
        with suppress(ConnectionResetError):
            while not closed.wait(0.05):
                client.recv(10_000)


@pytest.mark.usefixtures("wire")
def test_a_table_takes_as_long_as_reading_it_takes() -> None:
    """Fifteen million hubs take longer than any client may."""

    def table() -> Iterator[bytes]:
        for _ in range(4):
            time.sleep(0.3)
            yield b"x" * 300_000

    with streaming(table, ServerLimits(body=SIZE, stream_time=0.5)) as doors:
        assert len(doors.request("GET", "/table").body) == 1_200_000


@pytest.mark.usefixtures("wire")
def test_a_table_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 300_000
        raise ConnectionError("the database is away")

    with streaming(broken, ServerLimits(body=SIZE)) as doors:
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            doors.request("GET", "/table")
        assert doors.post(DUIS).status == 200


@pytest.mark.usefixtures("wire")
def test_a_table_is_whole_in_both_versions_and_not_begun_for_its_header() -> None:
    begun: list[int] = []

    def table() -> Iterator[bytes]:
        begun.append(1)
        yield from (b"%d" % (n % 10) * 100_000 for n in range(20))

    want = b"".join(b"%d" % (n % 10) * 100_000 for n in range(20))
    with streaming(table, ServerLimits(body=SIZE)) as doors:
        assert doors.request("GET", "/table").body == want
        with doors.connect() as client, client.makefile("rb") as reader:
            client.sendall(b"GET /table HTTP/1.0\r\n\r\n")
            assert reader.read().partition(b"\r\n\r\n")[2] == want
        assert doors.request("HEAD", "/table").body == b""
        assert len(begun) == 2


@pytest.mark.usefixtures("wire")
def test_beyond_the_limit_the_longest_idle_goes() -> None:
    """300 silent connections where 100 are allowed; who is being answered stays."""
    begun, go_on = threading.Event(), threading.Event()

    def act(_incoming: Incoming) -> bytes:
        begun.set()
        assert go_on.wait(20)
        return ANSWER

    limits = ServerLimits(body=SIZE, connections=100, address_percent=100)
    with open_doors(StandIn(act), limits) as doors, ExitStack() as opened:
        at_work = opened.enter_context(doors.connect())
        at_work.sendall(GOOD)
        assert begun.wait(10)
        silent = [opened.enter_context(doors.connect()) for _ in range(300)]
        assert doors.request("GET", "/soap?wsdl").status == 200
        assert all(ended(one) for one in silent[:150])
        assert not select.select(silent[-90:], [], [], 0)[0]
        go_on.set()
        assert at_work.recv(12) == b"HTTP/1.1 200"


@pytest.mark.usefixtures("wire")
def test_one_address_cannot_take_all() -> None:
    with open_doors(taking_all(), ServerLimits(body=SIZE, connections=100)) as doors, ExitStack() as opened:
        honest = opened.enter_context(doors.connect())
        here = (doors.server.host, doors.server.port)
        crowd = [
            opened.enter_context(socket.create_connection(here, timeout=20, source_address=("127.0.0.2", 0)))
            for _ in range(150)
        ]
        assert all(ended(one) for one in crowd[:100])
        honest.sendall(GOOD)
        assert honest.recv(12) == b"HTTP/1.1 200"


def test_an_address_of_ipv6_is_a_network_of_64_bits() -> None:
    crowd: Crowd[str] = Crowd(10, 2)
    crowd.add("first", "2001:db8:0:1::1")
    crowd.add("second", "2001:db8:0:1:ffff::2")
    crowd.idle("first")
    assert (crowd.has_room("2001:db8:0:1::3"), crowd.longest_idle("2001:db8:0:1::3")) == (False, "second")
    assert crowd.has_room("2001:db8:0:2::1")
    crowd.busy("second")
    assert crowd.longest_idle("2001:db8:0:1::3") == "first"
    crowd.remove("second")
    assert crowd.has_room("2001:db8:0:1::3")


def test_clients_of_ipv4_are_not_one_network_where_the_listener_is_on_ipv6() -> None:
    crowd: Crowd[str] = Crowd(10, 1)
    crowd.add("first", "::ffff:192.0.2.1")
    assert crowd.has_room("::ffff:192.0.2.2")
    assert not crowd.has_room("192.0.2.1")
    assert crowd.has_room("::1")


@pytest.mark.usefixtures("wire")
def test_bodies_are_held_up_to_a_limit() -> None:
    """Who holds most and has not sent all of it is asked to come again; small messages pass."""
    with open_doors(taking_all(), ServerLimits(body=SIZE, held=3 * SIZE + 50_000)) as doors, ExitStack() as opened:
        large = [opened.enter_context(doors.connect()) for _ in range(4)]
        for number, one in enumerate(large):
            one.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % SIZE + b"x" * (SIZE - 100 + number))
        refused, _, _ = select.select(large, [], [], 20)
        [reply] = replies(refused[0])
        assert (reply.status, reply.headers["retry-after"], reply.problem("stage")) == (503, "5", "receive")
        assert doors.post(DUIS).status == 200
        rest = [one for one in large if one is not refused[0]]
        for one in rest:
            one.sendall(b"x" * 100)
            assert one.recv(12) == b"HTTP/1.1 200"


@pytest.mark.usefixtures("wire")
def test_an_address_that_holds_much_in_short_pieces_shuts_out_nobodys_long_message() -> None:
    """T54: it is the address that holds most whose longest message is refused, not the longest of all."""
    with open_doors(taking_all(), ServerLimits(body=SIZE, held=2 * SIZE)) as doors, ExitStack() as opened:
        piece, count = SIZE // 8, 15
        crowd = [opened.enter_context(doors.connect()) for _ in range(count)]
        for one in crowd:
            one.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % SIZE + b"x" * piece)
        here = (doors.server.host, doors.server.port)
        elsewhere = socket.create_connection(here, timeout=60, source_address=("127.0.0.2", 0))
        honest = opened.enter_context(doors.over(elsewhere))
        honest.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % SIZE + b"x" * (SIZE // 2))
        refused, _, _ = select.select([honest, *crowd], [], [], 60)
        assert {replies(one)[0].status for one in refused} == {503}
        honest.sendall(b"x" * (SIZE - SIZE // 2))
        assert honest.recv(12) == b"HTTP/1.1 200"


@pytest.mark.usefixtures("wire")
def test_what_a_client_that_is_gone_had_sent_is_held_no_longer() -> None:
    """T54: clients that reset while their first request is worked on, with half of the next sent, leave nothing."""
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def act(_incoming: Incoming) -> bytes:
        begun.release()
        assert go_on.acquire(timeout=60)
        return ANSWER

    half = HEAD + b"Content-Length: %d\r\n\r\n" % SIZE + b"x" * 50_000
    with open_doors(StandIn(act), ServerLimits(body=SIZE, held=2 * SIZE)) as doors:
        for _ in range(20):
            client = doors.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(GOOD + half)
            assert begun.acquire(timeout=60)
            client.close()
            go_on.release()
        go_on.release()
        with doors.connect() as honest:
            honest.sendall(half)
            honest.sendall(b"x" * (SIZE - 50_000))
            assert honest.recv(12) == b"HTTP/1.1 200"


@pytest.mark.usefixtures("wire")
def test_one_empty_line_may_come_before_a_request_and_no_flood_of_them() -> None:
    """RFC 9112, section 2.2: whoever sends nothing but line ends is refused, and costs no more than a request."""
    with open_doors(taking_all()) as doors:
        (reply,) = doors.raw(b"\r\n" + GOOD.replace(b"\r\nHost", b"\r\nConnection: close\r\nHost"))
        assert reply.status == 200
        (reply,) = doors.raw(b"\r\n" * 100_000)
        assert (reply.status, reply.problem("stage")) == (400, "receive")


@pytest.mark.usefixtures("wire")
def test_small_messages_do_not_wait_for_large_ones() -> None:
    """Large ones are worked on two at a time; those that wait for that hold no worker."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def act(incoming: Incoming) -> bytes:
        if len(incoming.body) > 1000:
            begun.release()
            assert go_on.wait(20)
        return ANSWER

    limits = ServerLimits(body=SIZE, large=1000)
    with open_doors(StandIn(act), limits, threads=2) as doors, ExitStack() as opened:
        large = [opened.enter_context(doors.connect()) for _ in range(6)]
        for one in large:
            one.sendall(HEAD + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001)
        assert begun.acquire(timeout=20)
        assert begun.acquire(timeout=20)
        assert doors.post(DUIS, b"<a/>").status == 200
        assert not begun.acquire(blocking=False)
        go_on.set()
        assert {one.recv(12) for one in large} == {b"HTTP/1.1 200"}


@pytest.mark.usefixtures("wire")
def test_small_chunks_are_taken_and_many_of_them_refused() -> None:
    """T52: a body of 256 kB in chunks of one octet costs less than it would to read it."""
    chunk = b"1\r\na\r\n"
    head = HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with open_doors(taking_all(), ServerLimits(body=400_000)) as doors:
        (reply,) = doors.raw(head + chunk * 4000 + b"0\r\n\r\n")
        assert (reply.status, doors.flow.taken[-1].body) == (200, b"a" * 4000)
        (reply,) = doors.raw(head + chunk * 256 * 1024 + b"0\r\n\r\n")
        assert (reply.status, reply.problem("detail")) == (
            400,
            "the chunks are too small: send at least 16 octets in each",
        )
        body = bytes(range(256)) * 625
        for size in (16, 999):
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            (reply,) = doors.raw(head + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n")
            assert (reply.status, doors.flow.taken[-1].body) == (200, body)


@pytest.mark.usefixtures("wire")
def test_a_request_may_come_octet_by_octet() -> None:
    sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\n<a/\r\n1\r\n>\r\n0\r\nX: y\r\n\r\n"
    with open_doors(taking_all()) as doors, doors.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(sent)):
            client.sendall(sent[at : at + 1])
        assert client.recv(12) == b"HTTP/1.1 200"
        assert doors.flow.taken[-1].body == b"<a/>"


@pytest.mark.usefixtures("wire")
def test_who_has_said_all_still_hears() -> None:
    with open_doors(taking_all()) as doors, doors.connect() as client:
        client.sendall(GOOD)
        doors.say_no_more(client)
        (reply,) = replies(client)
        assert (reply.status, reply.body) == (200, ANSWER)


@pytest.mark.usefixtures("wire")
def test_a_client_that_goes_before_its_answer_troubles_nobody(caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def act(_incoming: Incoming) -> bytes:
        begun.set()
        assert go_on.wait(20)
        return ANSWER

    with open_doors(StandIn(act)) as doors:
        client = doors.connect()
        client.sendall(HEAD + b"Connection: close\r\nContent-Length: 4\r\n\r\n<a/>")
        assert begun.wait(10)
        client.close()
        go_on.set()
        assert doors.post(DUIS).status == 200
    assert [record for record in caplog.records if record.name == "asyncio"] == []


@contextmanager
def operators(
    metrics: Metrics, readiness: Callable[[], Mapping[str, Check]] = dict, console: Iterable[Route] = ()
) -> Iterator[Server]:
    server = Server(operations_app(metrics, readiness, console), "127.0.0.1", 0, threads=2)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def asked(server: Server, path: str, method: str = "GET") -> int:
    client = http.client.HTTPConnection(server.host, server.port, timeout=20)
    try:
        client.request(method, path)
        return client.getresponse().status
    finally:
        client.close()


def test_health_answers_beside_hung_and_unread_metrics() -> None:
    """A database that has fallen silent, scrapes that wait for it, and clients that do not read."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def hung() -> OutboxFigures:
        begun.release()
        assert go_on.wait(20)
        return OutboxFigures()

    bad = {"store": Check(ok=False, detail="silent")}
    with operators(Metrics(Sources(hung)), lambda: bad) as server, ExitStack() as opened:
        here = (server.host, server.port)
        for _ in range(12):
            client = opened.enter_context(socket.create_connection(here, timeout=20))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        assert begun.acquire(timeout=20)
        assert asked(server, "/health/live") == 200
        assert asked(server, "/health/ready") == 503
        assert asked(server, "/health") == 503
        go_on.set()


def test_metrics_answer_beside_pages_that_hang() -> None:
    """With three times as many of them as workers."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def hung(_request: HttpRequest) -> Answer:
        begun.release()
        assert go_on.wait(20)
        return Answer(200, "text/html", b"")

    pages = [Route("/", "operations", "/", ("GET",), hung)]
    with operators(Metrics(), console=pages) as server, ExitStack() as opened:
        for _ in range(6):
            client = opened.enter_context(socket.create_connection((server.host, server.port), timeout=20))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(2):
            assert begun.acquire(timeout=20)
        assert asked(server, "/metrics") == 200
        go_on.set()


@pytest.mark.usefixtures("wire")
def test_the_check_of_a_proxy_is_answered_on_both_listeners() -> None:
    """What HAProxy asks unless it is told otherwise: `OPTIONS /` in HTTP/1.0, without a Host."""
    with open_doors() as doors:
        (reply,) = doors.raw(b"OPTIONS / HTTP/1.0\r\n\r\n")
        assert (reply.status, reply.body) == (200, b"")
        assert doors.request("OPTIONS", "*").status == 200
        assert doors.request("GET", "/").status == 404
    with operators(Metrics()) as server:
        assert asked(server, "/", "OPTIONS") == 200


DESCRIPTORS = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from duis_gateway.doors.http import Edge, Route
from duis_gateway.doors.server import Server
from duis_gateway.doors.wire import Answer
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.readiness import Check

route = Route("/", "none", "none", ("GET",), lambda _request: Answer(200, "text/plain", b"ok"))
server = Server(Edge([route], Metrics()), "127.0.0.1", 0)
server.start()
print(server.port, flush=True)
sys.stdin.readline()
kept = []
try:
    while True:
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    print("none left", flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.mark.processes
def test_the_process_goes_on_without_a_descriptor() -> None:
    """F30: with more silent connections than descriptors, and when all others are gone too."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        subprocess.Popen(
            [sys.executable, "-c", DESCRIPTORS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process,
        ExitStack() as opened,
    ):
        assert process.stdout is not None
        assert process.stdin is not None
        here = ("127.0.0.1", int(process.stdout.readline()))
        for _ in range(100):
            opened.enter_context(socket.create_connection(here, timeout=20))
        for order in ("go on\n", "end\n"):
            with socket.create_connection(here, timeout=20) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                (reply,) = replies(client)
            assert (reply.status, reply.body) == (200, b"ok")
            process.stdin.write(order)
            process.stdin.flush()
            assert order == "end\n" or process.stdout.readline() == "none left\n"
        assert process.wait(20) == 0
