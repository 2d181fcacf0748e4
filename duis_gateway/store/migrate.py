"""The schema's version: bringing a database up to date, and refusing one that is not (threats F06, F10)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from duis_gateway.errors import NotDurable, StoreUnusable
from duis_gateway.store.faults import is_damage, sqlstate_of
from duis_gateway.store.rollout_tables import metadata

_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x4455495344423031
_RESTORE = "restore it from a backup"
_CHECKED_BYTES = 256 * 1024 * 1024
_NO_RIGHT = {"42501", "3F000"}  # insufficient_privilege; invalid_schema_name: no schema that may be used


def migrate(connection: Connection, shown_url: str) -> None:
    """Run the missing migrations in the connection's transaction: all of them or none; `shown_url` is its database.

    Raises:
        StoreUnusable: the database is of a newer gateway, or holds tables that no migration of ours made.
    """
    _refuse_encoding(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    _refuse_foreign(connection)
    try:
        command.upgrade(configuration(connection), "head")
    except DBAPIError as error:
        said = _said(error)
        if sqlstate_of(error) in _NO_RIGHT and "schema" in said:
            raise StoreUnusable(
                f"the tables cannot be created in {shown_url}: {said}; as the database's owner: {_grant(connection)}"
            ) from error
        raise


def touch(connection: Connection) -> None:
    """Change a row into what it is, for finding out whether anything can be written.

    Raises:
        NotDurable: there is no such row: the database was never migrated, or was emptied.
    """
    if connection.execute(text("UPDATE alembic_version SET version_num = version_num")).rowcount != 1:
        raise NotDurable("the gateway's database is empty")


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the database is at; None: never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """Return the revision of this version of the gateway."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    if revision is None:
        raise StoreUnusable("this installation of the gateway has no migrations; install it again")
    return revision


def check(read: Callable[[], AbstractContextManager[Connection]], sqlite_path: Path | None, shown_url: str) -> None:
    """Look whether the database can be used; see `Store.check`."""
    if sqlite_path is not None and not sqlite_path.exists():
        raise StoreUnusable(f"there is no database at {sqlite_path}; `duis-gateway migrate` makes it")
    try:
        with read() as connection:
            _check_schema(connection)
            if sqlite_path is not None and sqlite_path.stat().st_size <= _CHECKED_BYTES:
                _refuse_corrupt(connection)
    except NotDurable as error:
        if is_damage(error.__cause__):
            raise StoreUnusable(f"the database at {shown_url} is corrupt or not a database; {_RESTORE}") from error
        raise


def _check_schema(connection: Connection) -> None:
    _refuse_encoding(connection)
    revision = _refuse_foreign(connection)
    if revision is None:
        raise StoreUnusable("the database is empty; run `duis-gateway migrate`")
    if revision != newest_revision():
        raise StoreUnusable(
            f"the database is of an older version of the gateway ({revision}); run `duis-gateway migrate`"
        )
    missing = metadata.tables.keys() - set(inspect(connection).get_table_names())
    if missing:
        raise StoreUnusable(f"the database is half migrated: there is no table {min(missing)}; {_RESTORE}")


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for our migrations, to be run on this connection."""
    config = Config()
    config.attributes["connection"] = connection
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_foreign(connection: Connection) -> str | None:
    """Return the database's revision, if it is one of ours or the database is empty."""
    revision = revision_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreUnusable(f"the database is of a newer version of the gateway ({revision}); update the gateway")
    found = metadata.tables.keys() & set(inspect(connection).get_table_names())
    if revision is None and found:
        raise StoreUnusable(f"the database is half migrated: it has a table {min(found)} but no revision")
    return revision


def _refuse_encoding(connection: Connection) -> None:
    """Refuse a PostgreSQL database that cannot hold every letter."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar_one()
    if encoding != "UTF8":
        raise StoreUnusable(
            f"the database's server_encoding is {encoding}, but the gateway needs UTF8: create it with "
            "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
        )


def _said(error: DBAPIError) -> str:
    """Return what the database said, without the statement that met it."""
    diagnosis = getattr(error.orig, "diag", None)
    return " ".join(str(getattr(diagnosis, "message_primary", None) or error.orig).split())


def _grant(connection: Connection) -> str:
    role = connection.engine.url.username or "ROLE"
    return f'GRANT CREATE, USAGE ON SCHEMA public TO "{role}"'


def _refuse_corrupt(connection: Connection) -> None:
    findings = connection.exec_driver_sql("PRAGMA quick_check(1)").scalars().all()
    if findings != ["ok"]:
        raise StoreUnusable(f"the database is corrupt ({' '.join(str(findings[0]).split())}); {_RESTORE}")
