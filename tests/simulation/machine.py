"""The machine that a simulated gateway runs on: its clocks, its disk, and how it goes down; all of it from one seed.

Nothing here runs in parallel and nothing waits: threads are not to be had (the lanes post by themselves then, which
they can), and time passes only where something says that it does.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from duis_gateway.outbox import lanes
from duis_gateway.outbox.breaker import Breaker
from duis_gateway.store import failpoints
from duis_gateway.store.engine import Store

_JULIAN_1970 = 2440587.5
_DAY = 86_400.0
_NOW = 1_772_442_000.0
"""What the database's clock shows when a simulation begins, in seconds since 1970."""
_PAGE = 4096
_DIALECTS: dict[int, Any] = {}
_COMPILED: dict[Any, Any] = {}
"""Statements put together once for all gateways of this process: most of a run's time would go into them."""


class Crash(BaseException):
    """The machine goes down here: no `except Exception` and no clean-up of the gateway's may hold it up."""


class Machine:
    """The clocks, the disk and the faults of one run.

    `trace` has a line for whatever happened; two runs of one seed have the same lines.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.trace: list[str] = []
        self.name = ""
        self._seconds = 0.0
        self._jump = 0.0
        self._points_left: int | None = None
        self._full_for = 0
        self._slow = False
        self._durable = 0
        self._store: Store | None = None
        self._works: list[Callable[[], object]] = []

    # --- threads ---------------------------------------------------------------------------------------------------

    def begins(self, work: Callable[..., object], *given: object, name: str) -> object:
        """Take what a thread of the dispatcher would do; `works` does it."""
        self._works.append(partial(work, *given))
        return name

    def works(self) -> None:
        """Do what such threads would do, one after another."""
        works, self._works = self._works, []
        for work in works:
            work()

    # --- time ------------------------------------------------------------------------------------------------------

    def monotonic(self) -> float:
        """Seconds that only rise."""
        return self._seconds

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds

    def put_clock(self) -> None:
        """Somebody puts the clock of the database's machine an hour forward or back."""
        self._jump = self.random.choice([-3600.0, 0.0, 3600.0])
        self.note(f"the clock is put {self._jump:+.0f} s")

    def is_sound(self) -> None:
        """Nothing is wrong any more."""
        self._jump, self._points_left = 0.0, None
        self.disk_has_room()

    def _julian(self, *_: object) -> float:
        return (_NOW + self._seconds + self._jump) / _DAY + _JULIAN_1970

    # --- the disk --------------------------------------------------------------------------------------------------

    def opened(self, store: Store) -> None:
        """Take a store: its connections have the machine's clock, and its disk is this machine's."""
        self._store = store
        for which, engine in enumerate(store.engines):
            engine.dialect = _DIALECTS.setdefault(which, engine.dialect)
            engine.update_execution_options(compiled_cache=_COMPILED)
            event.listen(engine, "connect", self._connected)
        event.listen(store.engines[0], "begin", self._begins)
        event.listen(store.engines[0], "before_cursor_execute", self._executes)
        self.committed()

    def _connected(self, connection: Any, _record: object) -> None:
        connection.create_function("julianday", 1, self._julian)
        # What a checkpoint writes is durable, whatever becomes of the log: here it is made only where the run says so.
        connection.execute("PRAGMA wal_autocheckpoint = 0").close()

    def _begins(self, _connection: object) -> None:
        if self._full_for:
            self._full_for -= 1
            if not self._full_for:
                self.disk_has_room()

    def turned_away(self) -> None:
        """A message was refused before its transaction began, as there is no room: that takes its time, too."""
        self._begins(None)

    def _executes(self, *_: object) -> None:
        if self._slow:
            self.passes(self.random.random() * 2)

    def disk_is_full(self) -> None:
        """From a few more octets on nothing can be written, for some transactions; a write may end half-way."""
        room, self._full_for = self.random.randrange(4 * _PAGE), self.random.randint(1, 6)
        self.note(f"the disk is full after {room} octets, for {self._full_for} transactions")
        _limit_files(self._log_size() + room)

    def disk_has_room(self) -> None:
        """The disk is as it should be."""
        self._full_for, self._slow = 0, False
        _limit_files(resource.RLIM_INFINITY)

    def disk_is_slow(self) -> None:
        """Statements take up to two seconds each, until `disk_has_room`."""
        self._slow = not self._slow
        self.note(f"the disk is slow: {self._slow}")

    def checkpoint(self) -> None:
        """SQLite writes its log into the database and begins a new one."""
        assert self._store is not None
        if self._full_for:
            return
        connection = self._store.engines[0].raw_connection()
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        finally:
            connection.close()
        self.committed()
        self.note("checkpoint")

    def committed(self, _seconds: float = 0.0) -> None:
        """What is in the log by now is durable."""
        self._durable = self._log_size()

    def _log_size(self) -> int:
        assert self._store is not None
        log = _log_of(self._store)
        return log.stat().st_size if log.exists() else 0

    # --- going down ------------------------------------------------------------------------------------------------

    def crash_soon(self) -> None:
        """Go down at one of the next points at which a process can be killed."""
        self._points_left = self.random.randint(1, 8)

    def reached(self, name: str) -> None:
        """Be told of a point (`failpoints`); raises `Crash` if it is the one."""
        if name == "store.after-commit" and self._points_left != 1:
            self.committed()
        if self._points_left is None:
            return
        self._points_left -= 1
        if not self._points_left:
            self._points_left = None
            self.note(f"the machine goes down at {name}")
            raise Crash(name)

    def comes_up(self, folder: Path, number: int) -> Path:
        """Leave what was, and return the database as the machine finds it when it comes up again.

        What was not durable when it went down is there in part: the log is cut at any octet after what was.
        """
        assert self._store is not None
        assert self._store.sqlite_path is not None
        self.disk_has_room()
        self._points_left = None
        self._works.clear()
        found = folder / f"gateway-{number}.db"
        shutil.copyfile(self._store.sqlite_path, found)
        size = self._log_size()
        if size:
            log = Path(f"{found}-wal")
            shutil.copyfile(_log_of(self._store), log)
            cut = self.random.randint(min(self._durable, size), size)
            with log.open("r+b") as file:
                file.truncate(cut)
            self.note(
                f"it comes up; of {size - self._durable} octets that were not durable {cut - self._durable} are there"
            )
        old = self._store.sqlite_path
        self._store.close()
        for leftover in folder.glob(f"{old.name}*"):
            leftover.unlink()
        return found

    def note(self, line: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{self._seconds:10.2f} {line}")


@contextmanager
def running(machine: Machine) -> Iterator[None]:
    """Let what the gateway asks its machine for be answered by this one while the block lasts."""
    breaker = partial(Breaker, clock=machine.monotonic, jitter=machine.random.random)
    dice = SimpleNamespace(random=machine.random.random)
    with ExitStack() as stack:
        stack.enter_context(patch.object(failpoints, "_chosen", machine))
        for module in ("lanes", "dispatcher"):
            stack.enter_context(patch(f"duis_gateway.outbox.{module}.monotonic", machine.monotonic))
        stack.enter_context(patch("duis_gateway.outbox.lanes.started", lambda *_, **__: None))
        stack.enter_context(patch("duis_gateway.outbox.dispatcher.started", machine.begins))
        stack.enter_context(patch.object(lanes, "Breaker", breaker))
        stack.enter_context(patch.object(lanes, "random", dice))
        stack.enter_context(patch.object(lanes, "_DATABASE_PAUSE", 0.0))
        stack.callback(_limit_files, resource.RLIM_INFINITY)
        yield


def _limit_files(octets: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if octets == resource.RLIM_INFINITY else octets, most))


def _log_of(store: Store) -> Path:
    return Path(f"{store.sqlite_path}-wal")
