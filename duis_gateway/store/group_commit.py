"""Group commit for SQLite: blocks of several threads share one transaction and one flush to disk.

There is one writer connection a process and no thread of its own. A thread that wants to write takes a ticket and
waits for its turn. When its block has ended and somebody waits already, it hands the turn and the open transaction
on and waits for the commit that a later thread does for all; otherwise it commits itself. While blocks run, the
next ones gather: the busier it is, the more of them share a flush, and alone nobody waits for anybody.

A long block shares no commit, and takes turns with the quick ones: whoever is quick waits for one long block at most,
and a long one for one common commit and the long ones before it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

from duis_gateway.errors import NotDurable
from duis_gateway.store.failpoints import failpoint
from duis_gateway.store.faults import database_faults, not_durable
from duis_gateway.store.process_lock import ProcessLock

_SAVEPOINT = "block"


@dataclass(slots=True, eq=False)
class _Ticket:
    alone: bool
    turn: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True, eq=False)
class _Batch:
    """One open transaction, and the blocks that ended well in it."""

    connection: Connection
    alone: bool = False
    members: int = 0
    waited_since: float = 0.0  # when the first of them ended
    settled: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class GroupCommit:
    """The one writer of this process to one SQLite file.

    Args:
        engine: makes the writer connection; its driver connection must not begin transactions by itself.
        lock: taken while a transaction is open.
        timeout: seconds to wait at most for a turn, for the other processes, and for the common commit.
        blocks: how many blocks may share a commit.
        seconds: how long a block that has ended may wait while the transaction is handed on.
        committed: is told how many seconds each commit took; must neither block nor raise.
        where: the database, for the reason of what is refused.
    """

    def __init__(
        self,
        engine: Engine,
        lock: ProcessLock,
        timeout: float = 5.0,
        blocks: int = 100,
        seconds: float = 0.010,
        committed: Callable[[float], None] | None = None,
        where: str = "",
    ) -> None:
        self._where = where
        self._engine = engine
        self._lock = lock
        self._timeout = timeout
        self._blocks = blocks
        self._seconds = seconds
        self._committed = committed
        self._state = threading.Lock()  # guards _queue and _busy; never held across a wait or a statement
        self._queue: deque[_Ticket] = deque()
        self._busy = False
        self._batch: _Batch | None = None  # touched by the thread whose turn it is, and by nobody else

    @contextmanager
    def block(self, alone: bool = False) -> Iterator[Connection]:
        """Run the body inside the open transaction; what it did is durable when the block has ended.

        Args:
            alone: share the commit with nobody, and let those that are quick go first (work that takes seconds).

        Raises:
            NotDurable: no turn in time, the database is in no state to write, or the commit failed; nothing of the
                block is kept (or, if the commit's fate is unknown, the same message may safely come again).
        """
        self._take_turn(alone)
        try:
            batch = self._joined_batch(alone)
            with self._own_work(batch):
                yield batch.connection
            batch.members += 1
            if batch.members == 1:
                batch.waited_since = time.monotonic()
        except BaseException:
            self._give_turn(commit=True)
            raise
        self._give_turn(commit=alone)
        if not batch.settled.wait(self._timeout):
            raise NotDurable("the commit did not come in time")
        if batch.error is not None:
            raise not_durable(batch.error, self._where)

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        with self._state:
            return len(self._queue)

    def close(self) -> None:
        """Close the lock's files; the engine is its owner's."""
        self._lock.close()

    # --- turns ------------------------------------------------------------------------------------------------

    def _take_turn(self, alone: bool) -> None:
        with self._state:
            if not self._busy:
                self._busy = True
                return
            ticket = _Ticket(alone)
            self._queue.append(ticket)
        try:
            in_time = ticket.turn.wait(self._timeout)
        except BaseException:
            self._leave_queue(ticket)
            raise
        if not in_time:
            self._leave_queue(ticket)
            raise NotDurable("the database was busy with other messages for too long")

    def _leave_queue(self, ticket: _Ticket) -> None:
        # The turn may have come between the end of the wait and here; then it has to be passed on, with the batch.
        with self._state:
            had_turn = ticket.turn.is_set()
            if not had_turn:
                self._queue.remove(ticket)
        if had_turn:
            self._give_turn(commit=True)

    def _give_turn(self, commit: bool) -> None:
        """Hand the turn to the next in the queue, together with the open transaction if it may grow further."""
        batch = self._batch
        if batch is not None and not commit and self._handed_on(batch):
            return
        try:
            if batch is not None:
                self._settle(batch)
        finally:
            with self._state:
                # Turn about: after one alone whoever is quick, and after those the first that is to be alone.
                ticket = self._first(alone=batch is not None and not batch.alone) or next(iter(self._queue), None)
                self._busy = ticket is not None
                if ticket is not None:
                    self._queue.remove(ticket)
                    ticket.turn.set()

    def _handed_on(self, batch: _Batch) -> bool:
        # To look whether somebody waits and to give him the turn is one step: who gives up waiting in between would
        # leave the transaction open with nobody to commit it.
        if batch.members >= self._blocks or time.monotonic() - batch.waited_since >= self._seconds:
            return False
        with self._state:
            ticket = self._first(alone=False)
            if ticket is None:
                return False
            self._queue.remove(ticket)
            ticket.turn.set()
        return True

    def _first(self, alone: bool) -> _Ticket | None:
        return next((ticket for ticket in self._queue if ticket.alone is alone), None)

    # --- the transaction; only in the thread whose turn it is ---------------------------------------------------

    def _joined_batch(self, alone: bool) -> _Batch:
        if self._batch is None:
            with database_faults(self._where):
                connection = self._engine.connect()
                try:
                    self._lock.acquire(self._timeout)
                    try:
                        connection.begin()
                    except BaseException:
                        self._lock.release()
                        raise
                except BaseException:
                    connection.close()
                    raise
            self._batch = _Batch(connection, alone)
        return self._batch

    @contextmanager
    def _own_work(self, batch: _Batch) -> Iterator[None]:
        # The first block needs no savepoint: if it fails, there is nothing else in the transaction to keep.
        joins = batch.members > 0
        try:
            with database_faults(self._where):
                if joins:
                    _run(batch.connection, f"SAVEPOINT {_SAVEPOINT}")
                yield
                if joins:
                    _run(batch.connection, f"RELEASE {_SAVEPOINT}")
        except BaseException as error:
            if joins:
                _undo(batch, error)
            raise

    def _settle(self, batch: _Batch) -> None:
        """Commit the batch, or give it up, and tell its members which."""
        self._batch = None
        try:
            if batch.members and batch.error is None:
                _require_transaction(batch.connection)
                failpoint("store.before-commit")
                began = time.monotonic()
                batch.connection.commit()
                if self._committed is not None:
                    self._committed(time.monotonic() - began)
                failpoint("store.after-commit")
            else:
                batch.connection.rollback()
        except BaseException as error:
            batch.error = batch.error or error
            batch.connection.invalidate(error)  # closing it undoes what is open; the next batch gets a new one
            if not isinstance(error, Exception):
                raise
        finally:
            try:
                batch.connection.close()
            finally:
                self._lock.release()
                batch.settled.set()


def _run(connection: Connection, statement: str) -> None:
    _driver(connection).execute(statement)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _require_transaction(connection: Connection) -> None:
    # A block may have caught the error with which SQLite gave up the transaction; a commit would then say nothing.
    if not _driver(connection).in_transaction:
        raise NotDurable("the database gave up the transaction")


def _undo(batch: _Batch, error: BaseException) -> None:
    """Undo one block; if SQLite has already undone the whole transaction, the batch is lost for all its members."""
    try:
        if _driver(batch.connection).in_transaction:
            _run(batch.connection, f"ROLLBACK TO {_SAVEPOINT}")
            _run(batch.connection, f"RELEASE {_SAVEPOINT}")
            return
    except Exception as failure:
        error = failure
    batch.error = error
