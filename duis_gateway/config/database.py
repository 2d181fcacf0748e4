"""Opens the configured database, for the processes and for the command line alike."""

from __future__ import annotations

import logging
from collections.abc import Callable

from duis_gateway.clock import wait_after
from duis_gateway.config.files import check_files
from duis_gateway.config.settings import Config
from duis_gateway.errors import GatewayError, NotDurable
from duis_gateway.machine.signals import Stop
from duis_gateway.machine.threads import BoundedThread
from duis_gateway.store.engine import Store, StoreOptions
from duis_gateway.store.server_settings import unkept_promises

log = logging.getLogger(__name__)

_FIRST_DELAY, _LONGEST_DELAY = 1.0, 15.0


def open_store(config: Config, *, check: bool = True) -> Store:
    """Open the configured database for one command; whoever opens it closes it.

    Args:
        config: names the database.
        check: look whether it can be used by this version of the gateway.

    Raises:
        ConfigurationError: the URL or the password file cannot be used.
        StoreUnusable: it is not migrated, of another version, or corrupt (only looked at if `check`).
        NotDurable: it cannot be reached (the same).
    """
    check_files(config, "store")
    settings = config.store
    options = StoreOptions(
        timeout=settings.lock_timeout,
        statement_timeout=settings.statement_timeout,
        min_free_bytes=settings.min_free_bytes,
    )
    store = Store.open(settings.connection_url(), options)
    try:
        if check:
            store.check()
    except BaseException:
        store.close()
        raise
    return store


class AwaitedStore:
    """The configured database for a process that runs: one that is away at the start is waited for.

    Until it has been looked at, everything is refused with `NotDurable`: nothing is read from a database, or written
    to it, that may be of another version.

    Args:
        config: names the database.
        committed: is told how many seconds each commit took; must neither block nor raise.

    Raises:
        ConfigurationError: the URL or the password file cannot be used.
        StoreUnusable: the database is there, and not migrated, of another version, or corrupt.
    """

    def __init__(self, config: Config, committed: Callable[[float], None]) -> None:
        check_files(config, "store")
        settings = config.store
        options = StoreOptions(
            timeout=settings.lock_timeout,
            statement_timeout=settings.statement_timeout,
            min_free_bytes=settings.min_free_bytes,
            committed=committed,
        )
        self.store = Store.open(settings.connection_url(), options)
        self._problem: GatewayError | None = None
        try:
            self._there = self._look(1)
        except BaseException:
            self.store.close()
            raise

    def wait_beside(self, stop: Stop) -> None:
        """Return at once, and go on looking for the database if it is not there, until told to stop.

        If it turns out to be unusable, `stop` is told, and `raise_problem` says why.
        """
        if not self._there:
            BoundedThread(self._wait, stop, name="database-awaited").start()

    def raise_problem(self) -> None:
        """Raise what was wrong with the database when it came.

        Raises:
            ConfigurationError, StoreUnusable: as at the start.
        """
        if self._problem is not None:
            raise self._problem

    def _wait(self, stop: Stop) -> None:
        failures = 1
        try:
            while not stop.wait(_delay(failures)):
                failures += 1
                if self._look(failures):
                    log.info("the database is there", extra={"event": "database-there"})
                    return
        except GatewayError as error:
            self._problem = error
            stop.tell()

    def _look(self, times: int) -> bool:
        """Look for the `times`-th time."""
        try:
            self.store.check()
        except NotDurable as error:
            self.store.awaits(error)
            about = {"event": "database-awaited"}
            log.warning("%s; trying again in %g s", error, _delay(times), extra=about)
            return False
        self.store.awaits(None)
        for said in unkept_promises(self.store):
            log.warning("%s", said, extra={"event": "database-not-durable"})
        return True


def _delay(failures: int) -> float:
    return wait_after(failures, _FIRST_DELAY, _LONGEST_DELAY)
