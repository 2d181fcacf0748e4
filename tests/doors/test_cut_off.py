"""A table that is cut off is not taken for a whole one, in HTTP/1.0 either, where the connection's end is its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from duis_gateway.doors.http import Route
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.wire import Answer
from tests.support.doors import ANSWER, SIZE, Doors, StandIn, open_doors

ROOT = Path(__file__).resolve().parents[2]
ASKED = b"GET /table HTTP/1.0\r\n\r\n"
CUT = "reset by peer|EOF occurred in violation of protocol"
LINE = b"x" * 49_999 + b"\n"


def endless() -> Iterator[bytes]:
    while True:
        yield LINE


def asked(doors: Doors) -> socket.socket:
    """A client that has got the beginning of its table, and does not read on."""
    client = doors.connect() if doors.tls is None else doors.over_with(doors.tls)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(ASKED)
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def read_all(client: socket.socket) -> bytes:
    with closing(client), client.makefile("rb") as reader:
        return reader.read()


@pytest.mark.usefixtures("wire")
def test_a_table_that_cannot_be_read_on_is_cut_off_by_a_reset() -> None:
    def broken() -> Iterator[bytes]:
        yield LINE
        time.sleep(0.5)
        raise ConnectionError("the database is away")

    route = Route("/table", "party", "table", ("GET",), lambda _request: Answer(200, "text/csv", broken()))
    with open_doors(more=lambda _: [route]) as doors, pytest.raises(OSError, match=CUT):
        read_all(asked(doors))


@pytest.mark.usefixtures("wire")
def test_a_table_that_a_stop_cuts_off_is_reset() -> None:
    route = Route("/table", "party", "table", ("GET",), lambda _request: Answer(200, "text/csv", endless()))
    limits = ServerLimits(body=SIZE, stopping_time=0.5)
    with open_doors(StandIn(lambda _: ANSWER), limits, lambda _: [route]) as doors:
        client = asked(doors)
        doors.server.stop()
        with pytest.raises(OSError, match=CUT):
            read_all(client)


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("says_no_more", [False, True])
def test_a_whole_table_comes_to_whoever_reads_slowly(says_no_more: bool) -> None:
    """What was sent, and is not read yet, is not taken back when the connection is closed in the end."""
    made = threading.Event()

    def table() -> Iterator[bytes]:
        yield from (LINE for _ in range(3))
        made.set()

    route = Route("/table", "party", "table", ("GET",), lambda _request: Answer(200, "text/csv", table()))
    limits = ServerLimits(body=SIZE, lingering_time=0.5)
    with open_doors(StandIn(lambda _: ANSWER), limits, lambda _: [route]) as doors:
        client = asked(doors)
        assert made.wait(10)
        if says_no_more:
            with suppress(OSError):
                doors.say_no_more(client)
        time.sleep(1.6)
        got = len(read_all(client).partition(b"\r\n\r\n")[2])
        assert got == 3 * len(LINE)


KILLED = """
import sys, time
from duis_gateway.doors.http import Route
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.wire import Answer
from tests.doors.test_cut_off import endless
from tests.support.doors import open_doors

route = Route("/table", "party", "table", ("GET",), lambda _request: Answer(200, "text/csv", endless()))
with open_doors(None, None, lambda _: [route]) as doors:
    print(doors.server.port, flush=True)
    time.sleep(60)
"""


@pytest.mark.processes
def test_a_table_whose_gateway_is_killed_is_reset() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        with socket.create_connection(("127.0.0.1", int(process.stdout.readline())), timeout=20) as client:
            client.sendall(ASKED)
            assert client.recv(12) == b"HTTP/1.1 200"
            process.kill()
            with pytest.raises(OSError, match=CUT):
                read_all(client)
