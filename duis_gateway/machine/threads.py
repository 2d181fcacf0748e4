"""Threads that are started while the process runs, on a machine that may have none left for a while.

A limit of the system (`ulimit -u`, `pids.max` of a container) or of its memory may refuse a thread at any time. That
must end nothing that goes on by itself: delivery, the doors and the console go on with the threads that they have.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


def started(work: Callable[..., object], *given: object, name: str) -> threading.Thread | None:
    """Start a thread that ends with the process and return it; None, with a line of the log, if there is none.

    Args:
        work: what the thread does.
        given: what `work` is called with.
        name: the thread's name.
    """
    thread = threading.Thread(target=work, args=given, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        _log.error("no thread for %s: %s", name, error, extra={"event": "no-thread"})
        return None
    return thread
