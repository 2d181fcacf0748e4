"""The URL that says where the store is, as people write it."""

from __future__ import annotations

import os

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from duis_gateway.errors import ConfigurationError

_LONGEST_PATH = 504
"""In bytes: of the 512 that SQLite has room for (SQLITE_MAX_PATHNAME), its journal's name needs eight more."""
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""As libpq has them; with any other, every connection would fail for ever."""


def parse(url: str) -> URL:
    """Read the URL; after `sqlite:///` stands a path as it is, in which `?`, `#` and `%` mean nothing.

    Raises:
        ConfigurationError: what no connection could ever be made with: it says which part, and how it is to be.
    """
    scheme, is_sqlite, path = url.partition(":///")
    if "\0" in url or ("%00" in url and scheme != "sqlite"):  # libpq would stop there, and take its defaults
        raise ConfigurationError("the store's URL has a NUL character (%00), which nothing in it can have")
    if scheme == "sqlite" and is_sqlite:
        return URL.create("sqlite", database=path)
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "the store's URL cannot be read; it must begin with sqlite:/// or postgresql://"
        ) from error
    except ValueError:  # SQLAlchemy reads the port as a number
        parsed = None
    if parsed is None or not 0 < (parsed.port or 1) < 65536:
        raise ConfigurationError(
            "the store's URL has no port from 1 to 65535 after its host; give several hosts as"
            " postgresql://USER@/DATABASE?host=ONE:5432&host=OTHER:5432"
        )
    mode = parsed.query.get("sslmode", "prefer")
    if mode not in _SSL_MODES:
        raise ConfigurationError(f"the store's URL has sslmode={mode}, which is not one of {', '.join(_SSL_MODES)}")
    return parsed


def with_driver(url: URL) -> URL:
    """Return the URL with the driver that the store uses.

    Raises:
        ConfigurationError: a database that the store does not know, or a path that is too long for SQLite.
    """
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:":
            _check_length(url.database)
            return url
        case "sqlite":
            raise ConfigurationError("the store must be a file: sqlite:///path/to/gateway.db")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError("the store's URL must begin with sqlite:/// or postgresql://")


def _check_length(path: str) -> None:
    length = len(os.fsencode(os.path.abspath(path)))
    if length > _LONGEST_PATH:
        raise ConfigurationError(
            f"the path of the database has {length} bytes, and SQLite takes {_LONGEST_PATH} at most: give it a shorter "
            "one"
        )
