"""What a write block promises: durable when it has ended, nothing of it when it failed (F01, F02, F07 to F11)."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import exc, text

from duis_gateway.errors import ConfigurationError, NotDurable
from duis_gateway.store.engine import Store, StoreOptions, now_seconds
from tests.support.databases import fresh_database, opened
from tests.support.writing import note, notes, write_note


def test_what_was_written_is_there_for_others_when_the_block_ends(store: Store) -> None:
    write_note(store, "first")
    with opened(store.url.render_as_string(hide_password=False)) as other:
        assert notes(other) == ["first"]


def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            note(connection, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    write_note(store, "kept")
    assert notes(store) == ["kept"]


def test_a_defect_in_a_statement_is_no_passing_fault(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            connection.execute(text("SELECT nothing FROM operator_flag"))

    with pytest.raises(exc.DBAPIError):
        fail()


def test_a_reader_sees_one_state_whatever_is_written_meanwhile(store: Store) -> None:
    with store.read() as connection:
        count = text("SELECT count(*) FROM operator_flag")
        assert connection.execute(count).scalar_one() == 0
        write_note(store, "meanwhile")
        assert connection.execute(count).scalar_one() == 0
    assert notes(store) == ["meanwhile"]


def test_a_reader_cannot_write(store: Store) -> None:
    def write_in_read() -> None:
        with store.read() as connection:
            note(connection, "sneaked in")

    with pytest.raises((NotDurable, exc.DBAPIError)):
        write_in_read()
    assert notes(store) == []


def test_the_databases_clock_counts_seconds_since_1970(store: Store) -> None:
    with store.read() as connection:
        assert now_seconds(connection) == pytest.approx(_clock(), abs=2)


def _clock() -> float:
    return float(subprocess.run(["date", "+%s"], capture_output=True, check=True).stdout)


# --- kills ------------------------------------------------------------------------------------------------------------

_THREE_NOTES = """
import sys
from duis_gateway.store.engine import Store
from tests.support.writing import write_note
store = Store.open(sys.argv[1])
for name in "abc":
    write_note(store, name)
    print(name, flush=True)
"""


def _run(program: str, arguments: Sequence[str], failpoint: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DUIS_GATEWAY_FAILPOINT": failpoint, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("failpoint", "acknowledged", "stored"),
    [
        ("store.before-commit", "", []),
        ("store.after-commit", "", ["a"]),
        ("store.before-commit:3", "a\nb\n", ["a", "b"]),
        ("store.after-commit:2", "a\n", ["a", "b"]),
    ],
)
def test_a_kill_at_the_commit_loses_nothing_acknowledged(
    store: Store, database_url: str, failpoint: str, acknowledged: str, stored: list[str]
) -> None:
    """F01, F02: before the commit nothing is there, after it everything is, and the next process goes on."""
    killed = _run(_THREE_NOTES, [database_url], failpoint)
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, acknowledged), killed.stderr
    assert notes(store) == stored
    write_note(store, "z")
    assert notes(store) == [*stored, "z"]


# --- SQLite's passing faults ------------------------------------------------------------------------------------------


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    with fresh_database("sqlite", tmp_path) as url:
        yield url


def test_a_database_locked_from_outside_is_not_durable_and_then_recovers(sqlite_url: str) -> None:
    """F07: another program that knows nothing of our lock holds the file."""
    with opened(sqlite_url, StoreOptions(timeout=0.1)) as store:
        outsider = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        outsider.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotDurable):
            write_note(store, "locked out")
        assert notes(store) == []  # reading goes on
        outsider.execute("ROLLBACK")
        outsider.close()
        write_note(store, "free again")
        assert notes(store) == ["free again"]


def test_a_full_disk_is_not_durable_and_recovers_unaided(sqlite_url: str) -> None:
    """F09: SQLite's own limit on pages stands for the disk's."""
    with opened(sqlite_url) as store:
        write_note(store, "before")

        def limit_pages(pages: int) -> None:
            with store.write() as connection:
                connection.execute(text(f"PRAGMA max_page_count = {pages}"))

        def write_much() -> None:
            with store.write() as connection:
                note(connection, "x" * 1_000_000)

        limit_pages(1)  # SQLite takes what the file has now
        with pytest.raises(NotDurable):
            write_much()
        assert notes(store) == ["before"]
        limit_pages(1_000_000)
        write_note(store, "space again")
        assert notes(store) == ["before", "space again"]


def test_a_probe_changes_nothing_and_sees_what_a_message_would_meet(sqlite_url: str) -> None:
    """F07, F09: locked by others, not writable, on a disk without room, and well again."""
    with opened(sqlite_url, StoreOptions(timeout=0.1)) as store:
        store.probe()
        outsider = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        outsider.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotDurable, match="locked"):
            store.probe()
        outsider.execute("ROLLBACK")
        outsider.close()
        with store.engines[0].connect() as connection:
            driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA query_only = ON")
        with pytest.raises(NotDurable, match="readonly"):
            store.probe()
        driver.execute("PRAGMA query_only = OFF")
        most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, most[1]))
        try:
            with pytest.raises(NotDurable, match="cannot be written"):
                store.probe()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, most)
        store.probe()


def test_what_the_size_of_files_leaves_no_room_for_is_refused_and_the_probe_says_so(sqlite_url: str) -> None:
    """F09: small messages would go well for a while (`ulimit -f`), but what was accepted has to be delivered, too."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with opened(sqlite_url) as store:

        def take() -> None:
            with store.write(accepting=True) as connection:
                note(connection, "new")

        most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 512 * 1024, most[1]))
        try:
            for refusing in (store.probe, take):
                with pytest.raises(NotDurable, match=r"cannot be written much longer: .* \(ulimit -f\)") as refused:
                    refusing()
                assert "ulimit" not in refused.value.detail, "a door would say it"
            write_note(store, "of what was accepted")
            resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 2 * 1024 * 1024, most[1]))
            store.probe()
            take()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, most)
        assert notes(store) == ["new", "of what was accepted"]


def test_temporary_data_lies_beside_the_database(sqlite_url: str, tmp_path: Path) -> None:
    """Where /tmp is read-only or full, nothing that SQLite sorts or keeps for undoing needs it."""
    with opened(sqlite_url) as store, store.read() as connection:
        much = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
        with connection.exec_driver_sql(f"{much} SELECT i, hex(i) AS h FROM n ORDER BY h") as rows:
            rows.fetchone()
            opened_files = [os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    temporary = [name for name in opened_files if "etilqs" in name]
    assert temporary
    assert all(name.startswith(str(tmp_path)) for name in temporary)


def test_below_the_low_water_mark_nothing_is_accepted_and_the_rest_goes_on(sqlite_url: str) -> None:
    """F09: reads, and the records of deliveries, need the space that is left."""
    with opened(sqlite_url, StoreOptions(min_free_bytes=1 << 62)) as store:
        with pytest.raises(NotDurable, match="nearly full"), store.write(accepting=True):
            pytest.fail("work was accepted")
        write_note(store, "delivered")
        assert notes(store) == ["delivered"]


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "gateway.db", "sqlite:////proc/none/gateway.db"]
)
def test_a_url_that_is_no_store_is_refused_in_plain_words(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Store.open(url)


# --- PostgreSQL's passing faults --------------------------------------------------------------------------------------


@pytest.mark.postgresql
def test_a_lost_connection_is_not_durable_and_the_next_block_has_a_new_one(tmp_path: Path) -> None:
    """F11: the server goes away in the middle of a block."""
    with fresh_database("postgresql", tmp_path) as url, opened(url) as store, opened(url) as other:

        def lose_connection() -> None:
            with store.write() as connection:
                note(connection, "lost")
                process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
                with other.write() as killer:
                    killer.execute(text("SELECT pg_terminate_backend(:process)"), {"process": process})
                note(connection, "never sent")

        with pytest.raises(NotDurable):
            lose_connection()
        write_note(store, "reconnected")
        assert notes(store) == ["reconnected"]


@pytest.mark.postgresql
def test_an_exhausted_pool_is_not_durable(tmp_path: Path) -> None:
    """F11: nobody waits for ever for a connection."""
    options = StoreOptions(pool_size=1, timeout=0.1)
    with fresh_database("postgresql", tmp_path) as url, opened(url, options) as store:
        with store.read(), pytest.raises(NotDurable):
            write_note(store, "no connection")
        write_note(store, "connected")


@pytest.mark.postgresql
def test_a_server_that_is_away_is_not_durable() -> None:
    """F11: no server listens where the URL points."""
    with opened("postgresql://nobody@/none?host=/nonexistent") as store, pytest.raises(NotDurable):
        write_note(store, "nowhere")


@pytest.mark.postgresql
def test_writers_of_one_release_take_turns(tmp_path: Path) -> None:
    """Two messages about one release are judged one after the other; about two releases, at once."""
    with fresh_database("postgresql", tmp_path) as url, opened(url, StoreOptions(timeout=0.1)) as store:
        with store.write() as first:
            store.lock_release(first, "R1")
            with store.write() as second:
                store.lock_release(second, "R2")
            with pytest.raises(NotDurable), store.write() as third:
                store.lock_release(third, "R1")
        with store.write() as fourth:
            store.lock_release(fourth, "R1")
