"""The schema's versions: made whole, made once, and refused when they are not ours (threats F06, F10, F22)."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from duis_gateway.errors import NotDurable, StoreUnusable
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store import migrate
from duis_gateway.store.engine import Store, now_seconds
from duis_gateway.store.tables import metadata
from tests.support.databases import opened
from tests.support.rules import PILOT, release


@pytest.fixture(name="store")
def _store(own_database_url: str) -> Iterator[Store]:
    with opened(own_database_url) as store:
        yield store


def test_migrations_make_exactly_the_tables_that_the_code_uses(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_keep_their_conditions(store: Store) -> None:
    """The comparison above does not look at them, and without them history slows every claim (F12)."""
    catalogue = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_outbox%'"
    if not store.is_sqlite:
        catalogue = "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix_outbox%'"
    with store.read() as connection:
        definitions = {row[0]: row[1] for row in connection.execute(text(catalogue))}
    expected = {index.name for index in metadata.tables["outbox"].indexes}
    assert definitions.keys() == expected
    hubs = definitions.pop("ix_outbox_hub")  # of a hub's whole history; few other messages are about one hub
    assert re.search(r"WHERE .*device_id IS NOT NULL", hubs)
    assert all(re.search(r"WHERE .*state", definition) for definition in definitions.values())


def test_a_device_is_the_gpf_of_one_hub_and_hubs_without_one_cost_no_index(store: Store) -> None:
    catalogue = "SELECT sql FROM sqlite_master WHERE name = 'ix_hub_gpf_device_id'"
    if not store.is_sqlite:
        catalogue = "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_hub_gpf_device_id'"
    with store.read() as connection:
        definition = connection.execute(text(catalogue)).scalar_one()
    assert re.search(r"UNIQUE INDEX .*WHERE .*gpf_device_id IS NOT NULL", definition)


def test_check_accepts_what_migrate_made_and_migrating_again_changes_nothing(store: Store) -> None:
    store.migrate()
    store.check()


def test_an_empty_database_is_refused_with_the_command_that_helps(empty_database_url: str, tmp_path: Path) -> None:
    if empty_database_url.startswith("sqlite"):
        Path(empty_database_url.removeprefix("sqlite:///")).touch()
    with opened(empty_database_url) as store, pytest.raises(StoreUnusable, match="duis-gateway migrate"):
        store.check()


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/absent.db") as store, pytest.raises(StoreUnusable, match="no database at"):
        store.check()
    assert not (tmp_path / "absent.db").exists()


def test_an_older_database_is_refused_until_migrated(empty_database_url: str) -> None:
    with opened(empty_database_url) as store:
        with store.write() as connection:
            config = migrate.configuration(connection)
            command.upgrade(config, "0001_estate")
        with pytest.raises(StoreUnusable, match=r"older version.*duis-gateway migrate"):
            store.check()
        store.migrate()
        store.check()


def test_parts_that_are_there_count_their_age_from_the_migration(empty_database_url: str) -> None:
    """So that none is pruned sooner than it would have been."""
    with opened(empty_database_url) as store:
        with store.write() as connection:
            command.upgrade(migrate.configuration(connection), "0004_says")
            connection.execute(
                text("INSERT INTO message_part (sender, list_id, number, of, content) VALUES (1, 'l', 1, 2, 'c')")
            )
        store.migrate()
        with store.read() as connection:
            kept_at = connection.execute(text("SELECT kept_at FROM message_part")).scalar_one()
            assert now_seconds(connection) - 60 < kept_at <= now_seconds(connection)


def test_dates_that_notices_put_into_the_past_move_out_of_the_history_of_their_release(empty_database_url: str) -> None:
    event = (
        "INSERT INTO release_event (release_id, at, event, state, paused, by_whom) "
        "VALUES ('R1', :at, :event, 'notified', :paused, 'DCC')"
    )
    noted = f"{PILOT.start.isoformat()} put into the past"
    with opened(empty_database_url) as store:
        with store.write() as connection:
            command.upgrade(migrate.configuration(connection), "0024_trace")
            releases.put(connection, release(), {})
            for at, what in (
                (1_000_000, "notified"),
                (1_000_000, noted),
                (2_000_000, "revised to 2"),
                (2_000_000, noted),
            ):
                connection.execute(text(event), {"at": at, "event": what, "paused": False})
        store.migrate()
        with store.read() as connection:
            assert [line.event for line in history.of_release(connection, "R1")] == ["notified", "revised to 2"]
            assert history.past_dates(connection, "R1", [PILOT.start, PILOT.end]) == {
                PILOT.start: datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
            }


def made_newer(store: Store, usable_by: str | None) -> None:
    """Leave the database as a gateway of the next version would that names these as able to use it."""
    with store.write() as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = '9999_future', usable_by = :usable_by"),
            {"usable_by": usable_by},
        )


@pytest.mark.parametrize("usable_by", [None, "9999_future", "9999_future 9998_later"])
def test_a_newer_database_is_refused_and_left_alone(store: Store, usable_by: str | None) -> None:
    """F22: also by a gateway that runs on it since before: from the first look on it takes nothing in."""
    with opened(store.url.render_as_string(hide_password=False)) as running:
        running.probe()
        made_newer(store, usable_by)
        with pytest.raises(StoreUnusable, match="newer version"):
            store.check()
        with pytest.raises(StoreUnusable, match="newer version"):
            store.migrate()
        with pytest.raises(NotDurable, match=r"newer version.*update the gateway"):
            running.probe()
        with pytest.raises(NotDurable, match="newer version"), running.write():
            pass


def test_a_newer_database_that_names_this_version_is_used(store: Store) -> None:
    """F22: what was made to survive it starts, runs, and leaves the tables as the newer one wants them."""
    made_newer(store, f"9999_future 9998_later {migrate.newest_revision()}")
    store.check()
    store.probe()
    assert not store.migrate()
    with store.read() as connection:
        assert migrate.revision_of(connection) == "9999_future"


def test_a_migration_that_gateways_do_not_survive_is_not_made_while_they_run(empty_database_url: str) -> None:
    """F22: `--rolling` changes nothing then, and is content with a new database."""
    with opened(empty_database_url) as store:
        with store.write() as connection:
            command.upgrade(migrate.configuration(connection), "0022_waiting")
        with pytest.raises(StoreUnusable, match=r"\(0022_waiting\).*stop them all.*nothing was changed"):
            store.migrate(rolling=True)
        with store.read() as connection:
            assert migrate.revision_of(connection) == "0022_waiting"
        assert store.migrate()
        assert store.migrate(rolling=True)
        store.check()


def test_what_a_migration_leaves_behind_stays_behind() -> None:
    """F22: no migration names an older gateway as able to use its tables than one before it does."""
    scripts = [*ScriptDirectory.from_config(migrate.configuration()).walk_revisions()]
    order = {script.revision: number for number, script in enumerate(reversed(scripts))}
    oldest = [order[getattr(one.module, "oldest_gateway", one.revision)] for one in reversed(scripts)]
    assert oldest == sorted(oldest)
    assert all(one <= number for number, one in enumerate(oldest))


@pytest.mark.parametrize("damage", ["DROP TABLE message_part", "DROP TABLE alembic_version"])
def test_a_half_migrated_database_is_refused(store: Store, damage: str) -> None:
    """F06: nothing is run on a schema of which something is missing."""
    with store.write() as connection:
        connection.execute(text(damage))
    with pytest.raises(StoreUnusable, match="half migrated"):
        store.check()


@pytest.mark.processes
def test_a_kill_in_the_middle_of_migrating_leaves_nothing(empty_database_url: str) -> None:
    """F06: the next start finds an empty database and migrates it."""
    program = "import sys; from duis_gateway.store.engine import Store; Store.open(sys.argv[1]).migrate()"
    killed = subprocess.run(
        [sys.executable, "-c", program, empty_database_url],
        env={"DUIS_GATEWAY_FAILPOINT": "store.before-commit", "PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    with opened(empty_database_url) as store:
        with pytest.raises(StoreUnusable, match="empty"):
            store.check()
        store.migrate()
        store.check()


def test_a_corrupt_file_is_refused(tmp_path: Path) -> None:
    """F10: looked for at start; the text says what is left to do."""
    path = tmp_path / "gateway.db"
    with opened(f"sqlite:///{path}") as store:
        store.migrate()
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 20_000] = b"\xa5" * 20_000
    path.write_bytes(content)
    with opened(f"sqlite:///{path}") as store, pytest.raises(StoreUnusable, match=r"corrupt.*backup"):
        store.check()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"device_id,device_type\n" * 1000)
    with opened(f"sqlite:///{path}") as store, pytest.raises(StoreUnusable, match="not a database"):
        store.check()
