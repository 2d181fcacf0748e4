"""The threads that answer requests: each ends in time, and one that has read much makes place for another."""

from __future__ import annotations

import threading
from functools import partial
from time import monotonic

from duis_gateway.doors.workers import Workers
from duis_gateway.envelope.parse import ShapeLimits, parse_document
from tests.support.threads import without_threads

TWO_MEGABYTES = b"<a>" + b"x" * 2 * 1024 * 1024 + b"</a>"


def test_a_thread_that_has_read_megabytes_makes_place_for_another() -> None:
    """lxml keeps every name that it has met until the thread ends: senders could fill the memory with made-up ones."""
    workers = Workers(1, "reader")
    seen: list[threading.Thread] = []
    done = threading.Semaphore(0)

    def work() -> None:
        parse_document(TWO_MEGABYTES, ShapeLimits(), {})
        seen.append(threading.current_thread())
        done.release()

    workers.start()
    for _ in range(7):
        workers.submit(work)
    for _ in range(7):
        assert done.acquire(timeout=30)
    assert [one is seen[0] for one in seen] == [True, True, *[False] * 5]
    assert len(set(map(id, seen))) == 4
    assert {one.name for one in seen} == {"reader-0"}
    workers.end()
    workers.join(monotonic() + 30)
    assert not any(one.is_alive() for one in seen)
    assert not workers.alive


def test_a_thread_for_which_there_is_no_other_goes_on() -> None:
    """F31: on a machine without threads the doors would lose one with each megabyte, until nobody answers."""
    workers = Workers(1, "reader")
    done = threading.Semaphore(0)

    def work() -> None:
        parse_document(TWO_MEGABYTES, ShapeLimits(), {})
        done.release()

    workers.start()
    with without_threads("reader", 3) as refusals:
        for _ in range(6):
            workers.submit(work)
        for _ in range(6):
            assert done.acquire(timeout=30)
    assert len(refusals) == 3
    workers.end()
    workers.join(monotonic() + 30)
    assert not workers.alive


def test_who_wants_much_done_waits_for_itself() -> None:
    """Each address has its turn, however many requests another has sent before."""
    workers = Workers(1, "fair")
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        go_on.wait(30)

    workers.start()
    workers.submit(first, "10.0.0.1")
    assert begun.wait(30)
    for number in range(100):
        workers.submit(partial(done.append, f"flood {number}"), "10.0.0.1")
    workers.submit(partial(done.append, "honest"), "10.0.0.2")
    workers.submit(partial(done.append, "ours"))
    workers.submit(over.set, "10.0.0.1")
    go_on.set()
    assert over.wait(30)
    assert done[:3] == ["flood 0", "honest", "ours"]
    assert done[3:] == [f"flood {number}" for number in range(1, 100)]
    workers.end()
    workers.join(monotonic() + 30)
    assert not workers.alive
