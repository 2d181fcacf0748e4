"""The schema's version: bringing a database up to date, and refusing one that is not (threats F06, F10, F22)."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from duis_gateway.errors import NotDurable, StoreUnusable
from duis_gateway.store.faults import is_damage, sqlstate_of
from duis_gateway.store.rollout_tables import metadata

_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x4455495344423031
_RESTORE = "restore it from a backup"
_CHECKED_BYTES = 256 * 1024 * 1024
_TRIES = 10
_IN_THE_WAY = {"40P01", "55P03"}  # deadlock_detected; lock_not_available: it waited for longer than lock_timeout
_NO_RIGHT = {"42501", "3F000"}  # insufficient_privilege; invalid_schema_name: no schema that may be used


def beside_others(attempt: Callable[[], bool]) -> bool:
    """Migrate by this attempt, which changes everything or nothing, and again where gateways that run were in its way.

    Each waits for locks of the other: PostgreSQL ends one of the two, and a message is sent again by its sender.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            return attempt()
        except NotDurable as error:
            if not tries_left or sqlstate_of(error.__cause__) not in _IN_THE_WAY:
                raise
    raise AssertionError("the last attempt returns or raises")


def migrate(connection: Connection, shown_url: str, *, rolling: bool = False) -> bool:
    """Run the missing migrations in the connection's transaction: all of them or none.

    Args:
        connection: to the database.
        shown_url: its URL, for messages.
        rolling: only if the gateways that the database is for go on working meanwhile and afterwards.

    Returns:
        Whether the database is of this version now; otherwise it is of a newer one, with which this one works.

    Raises:
        StoreUnusable: the database is of a newer gateway, with which this one does not work, holds tables that no
            migration of ours made, or (`rolling`) its gateways have to stop first.
    """
    _refuse_encoding(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    revision, usable_by = _refuse_foreign(connection), _usable_by()
    if revision is not None and revision not in _known():
        return False
    if rolling and revision is not None and revision not in usable_by:
        raise StoreUnusable(
            f"gateways of the database's version ({revision}) do not work with the tables of this one "
            f"({newest_revision()}): stop them all, then run `duis-gateway migrate`; nothing was changed"
        )
    try:
        command.upgrade(configuration(connection), "head")
    except DBAPIError as error:
        said = _said(error)
        if sqlstate_of(error) in _NO_RIGHT and "schema" in said:
            raise StoreUnusable(
                f"the tables cannot be created in {shown_url}: {said}; as the database's owner: {_grant(connection)}"
            ) from error
        raise
    connection.execute(text("UPDATE alembic_version SET usable_by = :names"), {"names": " ".join(usable_by)})
    return True


def touch(connection: Connection) -> None:
    """Change a row into what it is, for finding out whether anything can be written.

    Raises:
        NotDurable: there is no such row: the database was never migrated, or was emptied.
    """
    if connection.execute(text("UPDATE alembic_version SET version_num = version_num")).rowcount != 1:
        raise NotDurable("the gateway's database is empty")


def outdated(connection: Connection) -> NotDurable | None:
    """Return why this gateway has to stop: a newer one has migrated the database, and it cannot use it now (F22)."""
    try:
        _refuse_newer(connection, revision_of(connection))
    except StoreUnusable as error:
        return NotDurable("the gateway's database cannot be used", reason=str(error))
    return None


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the database is at; None: never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """Return the revision of this version of the gateway."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    if revision is None:
        os.scandir(_MIGRATIONS).close()  # whose error alembic passes over: too many open files, say
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
    if revision in _known() - {newest_revision()}:
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
    """Return the database's revision, if this gateway knows it or works with it; None: the database is empty."""
    revision = revision_of(connection)
    _refuse_newer(connection, revision)
    found = metadata.tables.keys() & set(inspect(connection).get_table_names())
    if revision is None and found:
        raise StoreUnusable(f"the database is half migrated: it has a table {min(found)} but no revision")
    return revision


def _refuse_newer(connection: Connection, revision: str | None) -> None:
    """Refuse a database that does not name this gateway among those that it is usable by (threat F22)."""
    if revision is None or revision in _known():
        return
    row = connection.execute(text("SELECT * FROM alembic_version")).mappings().one()
    if newest_revision() not in (row.get("usable_by") or "").split():
        raise StoreUnusable(f"the database is of a newer version of the gateway ({revision}); update the gateway")


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts())


@cache
def _usable_by() -> tuple[str, ...]:
    """Return the gateways, by their newest migrations, that work with this one's tables: itself first."""
    scripts = _scripts()
    oldest = getattr(scripts[0].module, "oldest_gateway", scripts[0].revision)
    revisions = [script.revision for script in scripts]
    return tuple(revisions[: revisions.index(oldest) + 1])


def _scripts() -> list[Script]:
    """Return our migrations, the newest first."""
    return list(ScriptDirectory.from_config(configuration()).walk_revisions())


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
