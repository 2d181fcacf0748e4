"""Feeds: answers that go on. Whoever listens, however badly, takes no worker and no place of those who ask."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from duis_gateway.doors.feeds import Feed
from duis_gateway.doors.http import Route
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.wire import Answer
from tests.support.doors import ANSWER, SIZE, Doors, StandIn, open_doors
from tests.support.writing import wait_until

DUIS = "/api/v1/serviceD"
ASK = b"GET /feed HTTP/1.1\r\nHost: gateway\r\n\r\n"

pytestmark = pytest.mark.usefixtures("wire")


@contextmanager
def feeding(limits: ServerLimits | None = None) -> Iterator[tuple[Doors, Feed]]:
    """Doors of two workers, with a feed under /feed."""
    feed = Feed(b"hello\n", lambda: None)
    route = Route(
        "/feed", "operations", "feed", ("GET", "HEAD"), lambda _: Answer(200, "text/event-stream", feed), waits=False
    )
    flow = StandIn(lambda _incoming: ANSWER)
    with open_doors(flow, limits or ServerLimits(body=SIZE), lambda _handler: [route], threads=2) as doors:
        yield doors, feed


def heard(client: socket.socket, last: bytes) -> bytes:
    """All that comes, up to these bytes."""
    read = b""
    while last not in read:
        more = client.recv(10_000)
        assert more, read
        read += more
    return read


def listening(doors: Doors) -> socket.socket:
    client = doors.connect()
    client.sendall(ASK)
    assert b"transfer-encoding: chunked" in heard(client, b"hello\n\r\n").lower()
    return client


def test_all_who_listen_are_told_and_others_are_answered_meanwhile() -> None:
    """With ten times as many of them as workers."""
    with feeding() as (doors, feed), ExitStack() as opened:
        clients = [opened.enter_context(listening(doors)) for _ in range(20)]
        assert doors.post(DUIS).status == 200
        feed.tell(b"news\n")
        for client in clients:
            assert heard(client, b"news\n\r\n") == b"5\r\nnews\n\r\n"
        assert doors.post(DUIS).status == 200


def test_as_many_listen_as_may_and_who_leaves_makes_place() -> None:
    with feeding(ServerLimits(body=SIZE, feeds=3)) as (doors, feed), ExitStack() as opened:
        clients = [opened.enter_context(listening(doors)) for _ in range(3)]
        reply = doors.request("GET", "/feed")
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        clients.pop().close()
        wait_until(lambda: doors.server._floor.feeds == 2, 5)
        opened.enter_context(listening(doors)).close()
        for client in clients:
            client.close()
        wait_until(lambda: not feed.is_heard, 5)


def test_those_who_listen_never_have_all_connections() -> None:
    limits = ServerLimits(body=SIZE, connections=40, address_percent=100, feeds=1000)
    with feeding(limits) as (doors, _), ExitStack() as opened:
        for _ in range(10):
            opened.enter_context(listening(doors))
        assert doors.request("GET", "/feed").status == 503
        assert doors.post(DUIS).status == 200


def test_who_does_not_read_costs_its_own_connection_alone() -> None:
    with feeding() as (doors, feed), listening(doors) as good:
        bad = socket.socket()
        bad.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        bad.connect((doors.server.host, doors.server.port))
        with doors.over(bad) as client:
            client.sendall(ASK)
            wait_until(lambda: doors.server._floor.feeds == 2, 5)
            told = 0
            while doors.server._floor.feeds == 2:
                feed.tell(b"x" * 100_000 + b"%d\n" % told)
                assert heard(good, b"x%d\n" % told)
                told += 1
                assert told < 1000, "it is never sent away"
        assert doors.post(DUIS).status == 200


def test_a_feed_ends_in_its_time_and_the_connection_takes_the_next_request() -> None:
    with feeding(ServerLimits(body=SIZE, feed_time=0.5)) as (doors, feed), listening(doors) as client:
        client.sendall(b"GET /feed HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
        read = heard(client, b"hello\n\r\n")
        assert read.startswith(b"0\r\n\r\nHTTP/1.1 200")
        assert heard(client, b"0\r\n\r\n")
        assert client.recv(1) == b""
        assert not feed.is_heard


def test_for_its_header_and_in_the_older_version_too() -> None:
    with feeding(ServerLimits(body=SIZE, feed_time=0.5)) as (doors, feed):
        reply = doors.request("HEAD", "/feed")
        assert (reply.status, reply.headers["content-type"], reply.body) == (200, "text/event-stream", b"")
        assert not feed.is_heard
        with doors.connect() as client, client.makefile("rb") as reader:
            client.sendall(b"GET /feed HTTP/1.0\r\n\r\n")
            assert reader.read().partition(b"\r\n\r\n")[2] == b"hello\n"


def test_a_listener_that_stops_ends_its_feeds() -> None:
    with feeding() as (doors, feed), ExitStack() as opened:
        clients = [opened.enter_context(listening(doors)) for _ in range(3)]
        doors.server.begin_to_stop()
        for client in clients:
            assert heard(client, b"0\r\n\r\n")
        assert doors.server.stop()
        assert not feed.is_heard
