"""Group commit on SQLite: many threads and processes, one flush for several blocks, nobody's work mixed up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from duis_gateway.errors import NotDurable
from duis_gateway.store.engine import Store, StoreOptions
from tests.support.databases import fresh_database, opened
from tests.support.writing import note, notes, wait_until, write_note


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    with fresh_database("sqlite", tmp_path) as url:
        yield url


@pytest.fixture(name="store")
def _store(sqlite_url: str) -> Iterator[Store]:
    # On a busy machine threads are slow to take their turn; what is looked at here should not depend on that.
    with opened(sqlite_url, StoreOptions(group_seconds=5.0)) as store:
        yield store


@contextmanager
def _commits_counted(store: Store) -> Iterator[list[Connection]]:
    commits: list[Connection] = []

    def count(connection: Connection) -> None:
        commits.append(connection)

    event.listen(store.engines[0], "commit", count)
    yield commits
    event.remove(store.engines[0], "commit", count)


@contextmanager
def _blocks_behind(store: Store, *blocks: Callable[[Connection], None]) -> Iterator[list[Future[None]]]:
    """Queue the blocks, in order, behind one of ours (named "first") that ends when the with-block does."""

    def run(block: Callable[[Connection], None]) -> None:
        with store.write() as connection:
            block(connection)

    futures: list[Future[None]] = []
    with ThreadPoolExecutor(len(blocks)) as threads, store.write() as connection:
        note(connection, "first")
        for position, block in enumerate(blocks, start=1):
            futures.append(threads.submit(run, block))
            wait_until(partial(_waits, store, position))
        yield futures


def _waits(store: Store, count: int) -> bool:
    return store.waiting == count


def _notes(name: str) -> Callable[[Connection], None]:
    return lambda connection: note(connection, name)


def test_blocks_that_wait_share_one_commit(store: Store) -> None:
    with _commits_counted(store) as commits, _blocks_behind(store, _notes("b"), _notes("c")):
        pass
    assert notes(store) == ["b", "c", "first"]
    assert len(commits) == 1


def test_quick_blocks_wait_for_one_long_block_at_most(store: Store) -> None:
    """Neither for the commit of a long one nor behind a second; and a long one has its turn among the quick."""
    order: list[str] = []
    quick_is_durable = threading.Event()

    def run(name: str, long: bool, waits_for: threading.Event | None) -> None:
        with store.write(long=long) as connection:
            note(connection, name)
            order.append(name)
            if waits_for is not None:
                assert waits_for.wait(30)
        if name == "quick":
            quick_is_durable.set()

    queued = (("long 1", True, quick_is_durable), ("long 2", True, None), ("quick", False, None))
    with ThreadPoolExecutor(3) as threads:
        with store.write(long=True) as connection:
            note(connection, "first")
            futures = []
            for position, block in enumerate(queued, start=1):
                futures.append(threads.submit(run, *block))
                wait_until(partial(_waits, store, position))
        for future in futures:
            future.result(30)
    assert order == ["quick", "long 1", "long 2"]
    assert notes(store) == ["first", "long 1", "long 2", "quick"]


def test_a_failing_block_undoes_its_own_work_only(store: Store) -> None:
    def fail(connection: Connection) -> None:
        note(connection, "lost")
        raise ZeroDivisionError

    with _blocks_behind(store, _notes("b"), fail, _notes("d")) as futures:
        pass
    assert [type(future.exception()) for future in futures] == [type(None), ZeroDivisionError, type(None)]
    assert notes(store) == ["b", "d", "first"]


def test_a_commit_that_fails_fails_for_every_member(store: Store) -> None:
    """None of them may be told that its message is stored; the next one starts afresh."""

    def break_at_commit(connection: Connection) -> None:
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        connection.execute(text("INSERT INTO default_list (release_id, csp_region) VALUES ('none such', 'North')"))

    blocks = _blocks_behind(store, break_at_commit)
    with pytest.raises(NotDurable), blocks as futures:
        pass
    assert isinstance(futures[0].exception(), NotDurable)
    assert notes(store) == []
    write_note(store, "next")
    assert notes(store) == ["next"]


def test_a_transaction_that_sqlite_gives_up_fails_for_every_member(store: Store) -> None:
    def give_up(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself on some I/O errors
        raise ZeroDivisionError

    with pytest.raises(NotDurable), _blocks_behind(store, give_up) as futures:
        pass
    assert isinstance(futures[0].exception(), ZeroDivisionError)
    write_note(store, "next")
    assert notes(store) == ["next"]


def test_a_block_cannot_hide_that_sqlite_gave_up_the_transaction(store: Store) -> None:
    def give_up() -> None:
        with store.write() as connection:
            note(connection, "lost")
            connection.exec_driver_sql("ROLLBACK")

    with pytest.raises(NotDurable):
        give_up()
    assert notes(store) == []
    write_note(store, "next")
    assert notes(store) == ["next"]


def test_bulk_work_shares_with_nobody(store: Store) -> None:
    def bulk() -> None:
        with store.write(alone=True) as connection:
            note(connection, "bulk")

    with _commits_counted(store) as commits, ThreadPoolExecutor(1) as threads:
        with store.write() as connection:
            note(connection, "first")
            done = threads.submit(bulk)
            wait_until(lambda: store.waiting == 1)
        done.result()
    assert len(commits) == 2


def test_who_waits_too_long_is_told_and_holds_up_nobody(sqlite_url: str) -> None:
    """F07: also if the turn comes at the very moment of giving up."""
    with opened(sqlite_url, StoreOptions(timeout=0.05)) as store, ThreadPoolExecutor(1) as threads:
        with store.write():
            late = threads.submit(write_note, store, "late")
            assert isinstance(late.exception(), NotDurable)
        write_note(store, "next")
        assert notes(store) == ["next"]


def test_under_giving_up_and_failing_the_ledger_holds(sqlite_url: str) -> None:
    """Whatever mixture of waits that end early, failing blocks and shared commits: told "stored" means stored."""
    told: list[str] = []
    refused: list[str] = []

    def work(worker: int) -> None:
        chance = random.Random(worker)
        for number in range(60):
            name = f"{worker}-{number}"
            try:
                with store.write() as connection:
                    note(connection, name)
                    if chance.random() < 0.1:
                        raise ZeroDivisionError
                    if chance.random() < 0.1:
                        threading.Event().wait(0.004)
            except ZeroDivisionError:
                refused.append(name)
            except NotDurable:
                continue
            else:
                told.append(name)

    with opened(sqlite_url, StoreOptions(timeout=0.01)) as store:
        with ThreadPoolExecutor(12) as threads:
            list(threads.map(work, range(12)))
        stored = set(notes(store))
        assert set(told) <= stored
        assert not stored & set(refused)
        assert told
        assert refused
        write_note(store, "still writable")


_WRITER = """
import sys, threading
from duis_gateway.store.engine import Store
from tests.support.writing import write_note
store, name = Store.open(sys.argv[1]), sys.argv[2]
def work(worker):
    for number in range(40):
        write_note(store, f"{name}-{worker}-{number}")
threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

_HOLDER = """
import os, signal, sys
from duis_gateway.store.engine import Store
from tests.support.writing import note
with Store.open(sys.argv[1]).write() as connection:
    note(connection, "never committed")
    print("ready", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def _process(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has said that it is ready, and goes on when it is sent a line."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.processes
def test_two_processes_write_at_once_and_neither_starves(sqlite_url: str, store: Store) -> None:
    """F21: every block of both is stored; one that waited for longer than the store's timeout would be missing."""
    with _process(_WRITER, sqlite_url, "a") as first, _process(_WRITER, sqlite_url, "b") as second:
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (first, second):
            process.communicate(timeout=60)
    expected = {f"{name}-{worker}-{number}" for name in "ab" for worker in range(4) for number in range(40)}
    assert set(notes(store)) == expected


@pytest.mark.processes
def test_a_process_killed_inside_a_block_frees_the_lock(sqlite_url: str, store: Store) -> None:
    """F01: nothing of it is there, and the others go on at once."""
    with _process(_HOLDER, sqlite_url) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        write_note(store, "free")
    assert notes(store) == ["free"]


@pytest.mark.processes
def test_a_process_that_keeps_the_lock_makes_others_give_up_in_time(sqlite_url: str) -> None:
    """F07: 503 after the timeout, and no more trouble afterwards."""
    with opened(sqlite_url, StoreOptions(timeout=0.1)) as store:
        with _process(_HOLDER, sqlite_url), pytest.raises(NotDurable, match="another process"):
            write_note(store, "locked out")
        write_note(store, "free")
        assert notes(store) == ["free"]
