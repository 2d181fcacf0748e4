"""The threads that answer requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic

from duis_gateway.doors.turns import InTurn
from duis_gateway.envelope.parse import thread_has_read_enough
from duis_gateway.machine.memory import give_back
from duis_gateway.machine.threads import lasting, started

_log = logging.getLogger(__name__)


class Workers:
    """A fixed number of threads that do one piece of work after another.

    They end with the process: one that hangs keeps nobody from stopping (F24). A thread in which megabytes of XML were
    read makes place for a new one, since lxml frees what it remembers of them only with the thread.
    """

    def __init__(self, count: int, name: str) -> None:
        self._waiting: InTurn[Callable[[], None]] = InTurn()
        self._lock = threading.Lock()
        self._ready: SimpleQueue[bool] = SimpleQueue()  # True for each piece that waits, False for each thread to end
        self._threads: list[threading.Thread] = [lasting(self._run, name=f"{name}-{n}") for n in range(count)]
        self._places = threading.Lock()

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], None], place: str = "") -> None:
        """Have this done by a thread that is free, in the turn of who wants it (`crowd.place_of`)."""
        with self._lock:
            self._waiting.add(place, work)
        self._ready.put(True)

    def end(self) -> None:
        """Let each thread end after what it has in hand and what was submitted before; returns at once."""
        for _ in self._threads:
            self._ready.put(False)

    @property
    def alive(self) -> bool:
        """Whether any has not ended."""
        return any(thread.is_alive() for thread in self._threads)

    def join(self, deadline: float) -> None:
        """Wait until the threads have ended, but not beyond the deadline on the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _run(self) -> None:
        while self._ready.get():
            with self._lock:
                work = self._waiting.take()
            try:
                work()
            except Exception:
                _log.exception("a worker's task failed", extra={"event": "defect"})
            del work  # a request in hand is large; nothing of it is kept while waiting for the next
            if thread_has_read_enough() and self._made_place():
                give_back()
                return

    def _made_place(self) -> bool:
        """Start a thread that goes on instead of this one; False if there is none to be had, and this one goes on."""
        this = threading.current_thread()
        with self._places:
            new = started(self._run, name=this.name)
            if new is not None:
                self._threads[self._threads.index(this)] = new
        return new is not None
