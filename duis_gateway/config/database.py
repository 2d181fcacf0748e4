"""Opens the configured database, for the processes and for the command line alike."""

from __future__ import annotations

from collections.abc import Callable

from duis_gateway.config.settings import Config
from duis_gateway.store.engine import Store, StoreOptions


def open_store(config: Config, *, check: bool = True, committed: Callable[[float], None] | None = None) -> Store:
    """Open the configured database; whoever opens it closes it.

    Args:
        config: names the database.
        check: look whether it can be used by this version of the gateway.
        committed: is told how many seconds each commit took; must neither block nor raise.

    Raises:
        ConfigurationError: the URL or the password file cannot be used.
        StoreUnusable: it is not migrated, of another version, or corrupt (only looked at if `check`).
        NotDurable: it cannot be reached (the same).
    """
    settings = config.store
    options = StoreOptions(timeout=settings.lock_timeout, min_free_bytes=settings.min_free_bytes, committed=committed)
    store = Store.open(settings.connection_url(), options)
    try:
        if check:
            store.check()
    except BaseException:
        store.close()
        raise
    return store
