"""What a PostgreSQL server, database or role may be set to that would break what the gateway promises.

What a transaction may say for itself, each transaction of ours says: what statements mean, how values are written, how
long they may take, and that a commit waits until it is on disk. What only the server can say is told to the operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Connection, text

from duis_gateway.errors import NotDurable
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import metadata

_UNLOGGED = text(
    "SELECT relname FROM pg_class WHERE relpersistence = 'u'"
    " AND oid IN (SELECT to_regclass(named) FROM unnest(CAST(:tables AS text[])) AS named) ORDER BY relname"
)


def unkept_promises(store: Store) -> Iterator[str]:
    """Yield what acknowledged messages can be lost by, and what to do; nothing where the database cannot be read."""
    if store.is_sqlite:
        return
    with suppress(NotDurable), store.read() as connection:
        yield from _of_the_server(connection)
        if unlogged := connection.scalars(_UNLOGGED, {"tables": [f'"{name}"' for name in metadata.tables]}).all():
            yield (
                f"PostgreSQL empties the unlogged tables {', '.join(unlogged)} after a crash, with what was "
                f"acknowledged: as their owner: ALTER TABLE {unlogged[0]} SET LOGGED"
            )


def _of_the_server(connection: Connection) -> Iterator[str]:
    for name in ("fsync", "full_page_writes"):
        if connection.execute(text(f"SHOW {name}")).scalar_one() == "off":
            yield (
                f"PostgreSQL runs with {name} = off: when its machine fails, what was acknowledged can be lost, and "
                f"the database spoiled: set it to on (ALTER SYSTEM RESET {name}; SELECT pg_reload_conf())"
            )
