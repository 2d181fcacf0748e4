"""Delivery in processes of its own: side by side, killed, and asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from duis_gateway.outbox import view as outbox_view
from duis_gateway.store.engine import Store
from duis_gateway.store.failpoints import ENVIRONMENT_VARIABLE
from tests.support import receivers
from tests.support.outbox import SUPPLIER, enqueue, messages
from tests.support.receivers import Receiver

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.processes, pytest.mark.once]


def worker(database_url: str, receiver: Receiver, failpoint: str | None = None) -> subprocess.Popen[bytes]:
    """Start a delivery process."""
    command = [sys.executable, "-m", "tests.support.delivery_worker", database_url, f"{SUPPLIER}={receiver.url}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop(ENVIRONMENT_VARIABLE, None)
    if failpoint:
        environment[ENVIRONMENT_VARIABLE] = failpoint
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


@contextmanager
def working(database_url: str, receiver: Receiver, count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Delivery processes that are stopped in the end, and end well."""
    processes = [worker(database_url, receiver) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        codes = [process.wait(30) for process in processes]
    assert codes == [0] * count


def test_two_processes_deliver_nothing_twice(database_url: str, store: Store) -> None:
    """F21."""
    sent = [*messages(400), *messages(40, key="R1", prefix="k")]
    enqueue(store, *sent)
    with Receiver() as receiver:
        with working(database_url, receiver, count=2):
            receiver.wait_for(440, timeout=60)
        got = receiver.accepted
    assert Counter(got) == Counter(m.content for m in sent)
    keyed = [content for content in got if content.startswith(b"<k")]
    assert keyed == sorted(keyed)


@pytest.mark.parametrize(
    ("failpoint", "most"),
    [
        ("delivery.after-claim", 1),  # F04: nothing had been sent
        ("delivery.after-post", 2),  # F05: accepted and not recorded, so sent again
        ("delivery.after-settle", 1),
    ],
)
def test_kill_9_loses_nothing(database_url: str, store: Store, failpoint: str, most: int) -> None:
    """F03 to F05: what had been sent and not recorded comes again with the same bytes, anything else once."""
    sent = messages(20, key="R1")
    enqueue(store, *sent)
    with Receiver() as receiver:
        assert worker(database_url, receiver, f"{failpoint}:5").wait(60) == -signal.SIGKILL
        before = len(receiver.accepted)
        assert before < 20
        with working(database_url, receiver):
            receiver.wait_until(lambda: receiver.arrivals[-1:] != [] and len(set(receiver.accepted)) == 20)
        got = receiver.accepted
    assert list(dict.fromkeys(got)) == [m.content for m in sent], "in order, but for the repeat"
    assert len(got) == 20 + most - 1
    with store.read() as conn:
        entries = outbox_view.entries(conn)
    assert {entry.state for entry in entries} == {"delivered"}


def test_sigterm_under_load_leaves_no_lease_behind(database_url: str, store: Store) -> None:
    """F24: within seconds, with exit code 0, and the next process goes on at once."""
    enqueue(store, *messages(200))
    with Receiver(receivers.HANG) as receiver:
        with working(database_url, receiver):
            receiver.wait_for_arrivals(4)
        with store.read() as conn:
            stats = outbox_view.stats(conn)
        assert not stats.in_flight
        assert sum(backlog.pending for backlog in stats.pending.values()) == 200
        receiver.mode = receivers.OK
        with working(database_url, receiver):
            receiver.wait_until(lambda: len(set(receiver.accepted)) == 200)


def test_a_process_that_is_stopped_beyond_its_leases_changes_nothing_when_it_goes_on(
    database_url: str, store: Store
) -> None:
    """F21: SIGSTOP while it waits for answers; another delivers meanwhile what it held, in order."""
    sent = messages(20, key="R1")
    enqueue(store, *sent, *messages(20, prefix="k"))
    with Receiver(receivers.HANG) as receiver, working(database_url, receiver) as (sleeper,):
        receiver.wait_for_arrivals(4)
        sleeper.send_signal(signal.SIGSTOP)
        try:
            receiver.mode = receivers.OK
            with working(database_url, receiver):
                receiver.wait_until(lambda: len(set(receiver.accepted)) == 40)
        finally:
            sleeper.send_signal(signal.SIGCONT)
        # It tells now what became of what it had, and takes what is new.
        enqueue(store, *messages(20, prefix="l"))
        receiver.wait_until(lambda: len(set(receiver.accepted)) == 60)
    got = receiver.accepted
    assert len(got) == 60, "nothing came twice: what hung was never accepted"
    assert [one for one in got if one in {m.content for m in sent}] == [m.content for m in sent]
    with store.read() as conn:
        assert {entry.state for entry in outbox_view.entries(conn)} == {"delivered"}
