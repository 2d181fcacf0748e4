"""What tells the console's pages that something has changed: over real sockets, from one look for all who listen."""

from __future__ import annotations

import json
import socket
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from time import monotonic
from urllib.parse import urlsplit

import pytest

from duis_gateway.errors import NotDurable, TooBusy
from duis_gateway.operations import flags
from duis_gateway.operations.console.events import MARK, Events, mark_of
from duis_gateway.store.engine import Store
from tests.operations.console.test_console import ask
from tests.support.console_scene import Shown, give_up
from tests.support.installation import NOW
from tests.support.threads import without_threads
from tests.support.writing import wait_until

CHANGED = "event: changed\n"


@contextmanager
def listening(shown: Shown) -> Iterator[Iterator[str]]:
    """The lines of an open stream, from the first on."""
    parts = urlsplit(shown.url)
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=20) as client:
        client.sendall(b"GET /events HTTP/1.0\r\n\r\n")
        with client.makefile("r", encoding="ascii", newline="\n") as lines:
            header = dict(line.strip().lower().split(": ", 1) for line in iter(lines.readline, "\r\n") if ": " in line)
            assert header["content-type"] == "text/event-stream"
            assert header["cache-control"] == "no-store"
            assert next(lines) == "retry: 3000\n"
            yield lines


@pytest.mark.processes
def test_what_changes_is_told_to_all_who_listen(shown: Shown) -> None:
    with listening(shown) as first, listening(shown) as second:
        with shown.installation.store.write() as conn:
            flags.raise_flags(conn, [("told", "to all")], NOW)
        for lines in (first, second):
            assert CHANGED in lines
        give_up(shown)
        assert CHANGED in first


@pytest.mark.processes
def test_health_metrics_and_pages_answer_beside_as_many_as_may_listen(shown: Shown) -> None:
    with ExitStack() as opened:
        for _ in range(64):
            opened.enter_context(listening(shown))
        refused = ask(shown, "GET", "/events")
        assert refused.status == 503
        assert json.loads(refused.data)["detail"] == "as many clients are already listening as may at the same time"
        for path in ("/health", "/health/live", "/metrics", "/", f"/releases/{shown.release}"):
            assert ask(shown, "GET", path).status == 200, path
    assert ask(shown, "POST", "/events", "").status == 405


def test_a_look_reads_indexes_alone_however_many_messages_there_are(store: Store) -> None:
    with store.read() as conn:
        assert mark_of(conn, NOW) == mark_of(conn, NOW)
        assert mark_of(conn, NOW) != mark_of(conn, NOW + timedelta(minutes=1))
        if conn.dialect.name == "sqlite":  # with so few rows, PostgreSQL reads the whole table
            said = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {MARK.compile(conn)}").all()
            steps = [str(row[3]) for row in said]
            assert any("ix_outbox_dead" in step for step in steps)
            assert not [step for step in steps if "SCAN" in step and "INDEX" not in step and "CONSTANT" not in step]


class Looked:
    """What is looked at, and how often."""

    def __init__(self) -> None:
        self.times = 0
        self.mark: Hashable = 1
        self.away = False

    def __call__(self) -> Hashable:
        self.times += 1
        if self.away:
            raise NotDurable("the database is away")
        return self.mark


@contextmanager
def followed(looked: Looked) -> Iterator[tuple[Events, list[bytes]]]:
    """Somebody who listens, and what is heard."""
    events = Events(looked)
    feed = events.feed()
    said: list[bytes] = []
    feed.join(said.append)
    wait_until(lambda: looked.times > 1)
    yield events, said
    feed.leave(said.append)
    assert events.stop(monotonic() + 10)


def test_nothing_is_looked_at_while_nobody_listens_and_one_look_is_for_all() -> None:
    looked = Looked()
    events = Events(looked)
    feed = events.feed()
    said: list[list[bytes]] = [[], [], []]
    for one in said:
        feed.join(one.append)
    wait_until(lambda: looked.times > 1)
    looked.mark = 2
    wait_until(lambda: all(said))
    assert [len(one) for one in said] == [1, 1, 1]
    for one in said:
        feed.leave(one.append)
    wait_until(lambda: not feed.is_heard)
    assert events.stop(monotonic() + 10)
    before = looked.times
    assert before < 10
    assert Events(looked).stop(monotonic()), "who was never listened to has nothing to end"
    assert looked.times == before


def test_a_database_that_goes_away_and_comes_back_is_a_change_each_time() -> None:
    looked = Looked()
    with followed(looked) as (_, said):
        looked.away = True
        wait_until(lambda: len(said) == 1)
        looked.away = False
        wait_until(lambda: len(said) == 2)
    assert set(said) == {b"event: changed\ndata:\n\n"}


def test_without_a_thread_the_page_is_told_to_ask_by_itself() -> None:
    looked = Looked()
    events = Events(looked)
    with without_threads("console-events", 1):
        with pytest.raises(TooBusy):
            events.feed()
        assert events.feed() is events.feed()
    assert events.stop(monotonic() + 10)
