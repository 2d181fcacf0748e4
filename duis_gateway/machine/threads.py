"""Threads on a machine that may have no thread, or no memory, left for a while.

A limit of the system (`ulimit -u`, `pids.max` of a container) may refuse a thread at any time, and a limit of memory
raises MemoryError at any point of what a thread does. Neither may end anything that goes on by itself: delivery, the
doors and the console go on with the threads that they have, and a thread that broke begins anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_SECONDS_BEFORE_AGAIN = 1.0
_log = logging.getLogger(__name__)


def lasting(work: Callable[..., object], *given: object, name: str) -> threading.Thread:
    """Return a thread, not started yet, that ends when `work` returns, or with the process.

    What `work` raises, whatever it is, is logged, and `work` is called again a second later.

    Args:
        work: what the thread does.
        given: what `work` is called with.
        name: the thread's name.
    """
    return threading.Thread(target=_last, args=(work, given, name), name=name, daemon=True)


def _last(work: Callable[..., object], given: tuple[object, ...], name: str) -> None:
    while True:
        try:
            work(*given)
            return
        except BaseException:  # also what a library raises to end the thread: it is needed
            with suppress(BaseException):
                time.sleep(_SECONDS_BEFORE_AGAIN)
                _log.exception("the thread %s failed, and starts again", name, extra={"event": "defect"})


def started(work: Callable[..., object], *given: object, name: str) -> threading.Thread | None:
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
