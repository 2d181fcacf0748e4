"""PostgreSQL, a database or a role that is set up in a way that would break what the gateway promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from duis_gateway.store.bulk import insert_many
from duis_gateway.store.engine import StoreOptions
from duis_gateway.store.tables import party
from tests.support.cluster import lone_server
from tests.support.databases import administrate, opened, postgresql_database
from tests.support.writing import note, notes

pytestmark = pytest.mark.postgresql


@contextmanager
def set_to(**settings: str) -> Iterator[str]:
    """A database for which an operator has set these; yields its URL."""
    with postgresql_database() as url:
        name = make_url(url).database
        administrate(make_url(url), *(f"ALTER DATABASE {name} SET {one} = {to}" for one, to in settings.items()))
        yield url


def test_what_is_acknowledged_is_on_disk_whatever_the_database_is_set_to() -> None:
    """F08, F11: with `synchronous_commit = off` a commit comes back before it is written, and a crash takes it back."""
    with lone_server() as server:
        url = server.url.replace("+psycopg", "")
        with opened(url) as store:
            store.migrate()
        administrate(
            make_url(server.url),
            "ALTER SYSTEM SET wal_writer_delay = '10s'",
            "SELECT pg_reload_conf()",
            "ALTER DATABASE postgres SET synchronous_commit = off",
        )
        with opened(url) as store:
            with store.write() as connection:
                note(connection, "a message")
            with store.write(alone=True) as connection:
                note(connection, "an inventory")
            server.crash()
        server.start()
        with opened(url) as store:
            assert notes(store) == ["a message", "an inventory"]


@pytest.mark.parametrize("wanted", ["local", "remote_write", "remote_apply", "on"])
def test_what_a_commit_waits_for_at_a_standby_is_the_operators_to_say(wanted: str) -> None:
    with set_to(synchronous_commit=wanted) as url, opened(url) as store, store.write() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == wanted


def test_an_absent_text_stays_absent_whatever_the_database_is_set_to() -> None:
    """With `array_nulls = off`, which is for programs of before 8.2, a list's NULL is a word of four letters."""
    with set_to(array_nulls="off", transform_null_equals="on", datestyle="German") as url, opened(url) as store:
        names = ("eui", "kind", "url", "email", "status", "roles", "duis_version", "published_schema_only", "regions")
        nobody: frozenset[str] = frozenset()
        rows = [(n, "supplier", "http://a/", None, "active", nobody, "5.4", False, nobody) for n in range(9)]
        with store.write() as connection:
            insert_many(connection, party, names, rows)
        with store.read() as connection:
            assert set(connection.scalars(select(party.c.email))) == {None}


def test_a_role_with_time_limits_of_its_own_breaks_off_no_bulk_work() -> None:
    """Hosted servers set them; `migrate`, `inventory load`, `prune` and exports take as long as they take."""
    limits = {"statement_timeout": "100", "idle_in_transaction_session_timeout": "100"}
    with set_to(**limits) as url, opened(url) as store:
        for begin in (partial(store.write, alone=True), store.read):
            with begin() as connection:
                connection.execute(text("SELECT pg_sleep(0.3)"))
                _be_idle(url)
                connection.execute(text("SELECT 1"))


def _be_idle(url: str) -> None:
    """Let the server's own clock say how long."""
    with opened(url) as other, other.write(alone=True) as connection:
        connection.execute(text("SELECT pg_sleep(0.3)"))


def test_a_limit_of_the_gateways_own_holds_whatever_the_role_is_set_to() -> None:
    with (
        set_to(statement_timeout="0") as url,
        opened(url, StoreOptions(statement_timeout=7)) as store,
        store.write() as connection,
    ):
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "7s"
