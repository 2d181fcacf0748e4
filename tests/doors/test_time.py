"""Time: slow clients are cut off without others noticing, and stopping lets what is in hand be answered."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from duis_gateway.doors.http import Edge, Route
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.server import Server
from duis_gateway.doors.wire import Answer
from duis_gateway.flow.incoming import Incoming
from duis_gateway.operations.metrics import Metrics
from tests.support.doors import ANSWER, SIZE, Doors, StandIn, open_doors, replies

DUIS = "/api/v1/serviceD"
HEAD = b"POST /api/v1/serviceD HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\n"
SHORT = ServerLimits(body=SIZE, header_time=0.5, body_time=0.8, idle_time=1.0, lingering_time=0.3)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def doors(wire: None) -> Iterator[Doors]:
    with open_doors(StandIn(lambda _incoming: ANSWER), SHORT) as running:
        yield running


@pytest.mark.parametrize("begun", [b"POST /api/v1/serv", HEAD, HEAD + b"Content-Length: 10\r\n\r\n<a/>"])
def test_what_does_not_arrive_in_time_is_cut_off(doors: Doors, begun: bytes) -> None:
    """T52: with a 408, and nothing of it processed."""
    before = len(doors.flow.taken)
    (reply,) = doors.raw(begun)
    assert (reply.status, reply.problem("stage")) == (408, "receive")
    assert len(doors.flow.taken) == before


def test_drops_of_a_header_do_not_keep_a_connection_alive(doors: Doors) -> None:
    """T52: the time counts from the first byte, not from the last; other clients are served meanwhile."""
    with doors.connect() as client:
        begun = time.monotonic()
        client.settimeout(0.05)
        client.sendall(HEAD)
        said = b""
        while not said and time.monotonic() < begun + 10:
            client.sendall(b"X")
            assert doors.post(DUIS).status == 200
            try:
                said = client.recv(1000)
            except TimeoutError:
                continue
    assert b"408" in said
    assert time.monotonic() - begun < 5


@pytest.mark.usefixtures("wire")
def test_slow_clients_take_no_worker() -> None:
    """T52: with many more of them than workers, others do not wait for the 30 seconds that a slow body has."""
    with open_doors(StandIn(lambda _incoming: ANSWER)) as doors, ExitStack() as opened:
        for _ in range(40):
            opened.enter_context(doors.connect()).sendall(HEAD + b"Content-Length: 10\r\n\r\n<a/>")
        begun = time.monotonic()
        assert doors.post(DUIS).status == 200
        assert time.monotonic() - begun < 5
        opened.close()


def test_idle_connections_are_closed(doors: Doors) -> None:
    with doors.connect() as silent, doors.connect() as quiet:
        quiet.sendall(HEAD + b"Content-Length: 4\r\n\r\n<a/>")
        answers = replies(quiet)
        assert [reply.status for reply in answers] == [200]
        assert silent.recv(10) == b""


@pytest.mark.usefixtures("wire")
def test_a_client_that_does_not_take_its_answer_lets_go_of_its_worker() -> None:
    """An endless answer to a client that never reads ends; its iterator is closed."""
    closed = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    route = Route("/endless", "party", "endless", ("GET",), lambda _request: Answer(200, "text/plain", endless()))
    with open_doors(limits=SHORT, more=lambda _handler: [route]) as doors, doors.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert closed.wait(10)


def test_after_a_refusal_reading_on_has_an_end(doors: Doors) -> None:
    """A client that goes on sending after its 400 is read for a while, and then no longer."""
    with doors.connect() as client:
        client.sendall(HEAD + b"Content-Length: -1\r\n\r\n")
        begun = time.monotonic()
        with pytest.raises(OSError, match=r"reset|pipe|aborted|EOF"):
            _send_for(10, client)
        assert time.monotonic() - begun < 5


def _send_for(seconds: float, client: socket.socket) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client.sendall(b"x" * 1000)
        threading.Event().wait(0.01)


class Gate:
    """A flow that says when it has begun, and goes on when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __call__(self, _incoming: Incoming) -> bytes:
        self.begun.release()
        assert self.go_on.wait(20)
        return ANSWER


@pytest.mark.usefixtures("wire")
def test_stopping_answers_what_is_in_hand_and_accepts_nothing_more() -> None:
    """F24."""
    gate = Gate()
    with open_doors(StandIn(gate)) as doors, ThreadPoolExecutor() as pool, doors.connect() as idle:
        in_hand = [pool.submit(doors.post, DUIS) for _ in range(3)]
        for _ in in_hand:
            gate.begun.acquire(timeout=10)
        doors.server.begin_to_stop()
        assert idle.recv(10) == b""
        with pytest.raises(OSError, match=r"refused|reset"):
            doors.connect()
        gate.go_on.set()
        answers = [(reply.status, reply.headers["connection"]) for reply in (future.result(10) for future in in_hand)]
    assert answers == [(200, "close")] * 3


@pytest.mark.usefixtures("wire")
def test_a_worker_that_hangs_does_not_keep_the_server_from_stopping() -> None:
    """F24: in less than 10 seconds, whatever happens."""
    gate = Gate()
    limits = ServerLimits(body=SIZE, stopping_time=0.5)
    with open_doors(StandIn(gate), limits) as doors, doors.connect() as client:
        client.sendall(HEAD + b"Content-Length: 4\r\n\r\n<a/>")
        gate.begun.acquire(timeout=10)
        begun = time.monotonic()
        doors.server.stop()
        assert time.monotonic() - begun < 5
        gate.go_on.set()


def test_an_address_in_use_is_an_error_at_once(doors: Doors) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(Edge([], Metrics()), "127.0.0.1", doors.server.port)


PROGRAM = """
import threading
from duis_gateway.doors.http import Edge, Route
from duis_gateway.doors.server import Server
from duis_gateway.doors.wire import Answer
from duis_gateway.machine.signals import ProcessSignals, Stop
from duis_gateway.operations.metrics import Metrics

def answer(request):
    print("begun", flush=True)
    threading.Event().wait(0.5)
    return Answer(200, "text/plain", b"ok")

app = Edge([Route("/", "none", "none", ("GET",), answer)], Metrics())
stop = Stop()
ProcessSignals(stop)
server = Server(app, "127.0.0.1", 0)
server.start()
print(server.port, flush=True)
stop.wait()
assert server.stop(stop.deadline)
print("over", flush=True)
"""


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_process_after_its_answers(number: signal.Signals) -> None:
    """F24: the request in hand is answered, and the process ends with 0."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert process.stdout.readline() == "begun\n"
            process.send_signal(number)
            (reply,) = replies(client)
        assert (reply.status, reply.body) == (200, b"ok")
        assert process.wait(10) == 0
        assert process.stdout.read() == "over\n"
