"""Threads on a machine that may have no thread, or no memory, left for a while.

A limit of the system (`ulimit -u`, `pids.max` of a container) may refuse a thread at any time, and a limit of memory
raises MemoryError at any point of what a thread does. Neither may end anything that goes on by itself: delivery, the
doors and the console go on with the threads that they have, and a thread that broke begins anew.

A thread of the system may also end before Python's thread in it has begun, where there is no memory for that. Python
(3.11 to 3.13) waits for its beginning without end, in whoever started it, so all threads are made here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_SECONDS_BEFORE_AGAIN = 1.0
_SECONDS_TO_BEGIN = 5.0
_log = logging.getLogger(__name__)


class BoundedThread(threading.Thread):
    """A thread that ends with the process, and whose `start` fails if it has not begun within `seconds` (5).

    `start` raises RuntimeError, as for a thread that the system refuses; such a thread does nothing, should it begin
    later.
    """

    def __init__(self, work: Callable[..., object], *given: object, name: str, seconds: float | None = None) -> None:
        super().__init__(target=work, args=given, name=name, daemon=True)
        self._decided = threading.Lock()
        # What `Thread.start` waits for; there is no public way to bound it (test_threads.py plays a thread that ends
        # before it begins, on each version of Python).
        setattr(self, "_started", _Beginning(self._decided, _SECONDS_TO_BEGIN if seconds is None else seconds))  # noqa: B010

    def run(self) -> None:
        """Do the work, unless `start` has given up."""
        if self._decided.acquire(blocking=False):
            super().run()


class _Beginning(threading.Event):
    def __init__(self, decided: threading.Lock, seconds: float) -> None:
        super().__init__()
        self._decided = decided
        self._seconds = seconds

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None and not super().wait(self._seconds) and self._decided.acquire(blocking=False):
            raise RuntimeError("can't start new thread: it ended before it began")
        return super().wait(timeout)


def lasting(work: Callable[..., object], *given: object, name: str) -> BoundedThread:
    """Return a thread, not started yet, that ends when `work` returns, or with the process.

    What `work` raises, whatever it is, is logged, and `work` is called again a second later.

    Args:
        work: what the thread does.
        given: what `work` is called with.
        name: the thread's name.
    """
    return BoundedThread(_last, work, given, name, name=name)


def _last(work: Callable[..., object], given: tuple[object, ...], name: str) -> None:
    while True:
        try:
            work(*given)
            return
        except BaseException:  # also what a library raises to end the thread: it is needed
            with suppress(BaseException):
                time.sleep(_SECONDS_BEFORE_AGAIN)
                _log.exception("the thread %s failed, and starts again", name, extra={"event": "defect"})


def started(work: Callable[..., object], *given: object, name: str) -> BoundedThread | None:
    """Start a `lasting` thread and return it; None, with a line of the log, if none is to be had.

    Args:
        work: what the thread does.
        given: what `work` is called with.
        name: the thread's name.
    """
    thread = lasting(work, *given, name=name)
    try:
        thread.start()
    except RuntimeError as error:
        _log.error("no thread for %s: %s", name, error, extra={"event": "no-thread"})
        return None
    return thread
