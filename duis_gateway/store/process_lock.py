"""A lock between the processes that write to one SQLite file."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from duis_gateway.errors import NotDurable

_PAUSE_SECONDS = 0.0003


class ProcessLock:
    """A file lock in two stages, so that processes take turns.

    A process first takes the turnstile, then the lock itself, then leaves the turnstile. One that writes without
    pause must pass the turnstile again and meets there the process that waited. The kernel drops both when
    a process dies. Not for use by several threads at once: the caller has the turn among its own threads.
    """

    def __init__(self, path: Path) -> None:
        self._turnstile = _open(path.with_name(path.name + "-turn"))
        self._lock = _open(path)

    def acquire(self, timeout: float) -> None:
        """Take the lock.

        Args:
            timeout: seconds to wait at most.

        Raises:
            NotDurable: another process kept it for longer.
        """
        deadline = time.monotonic() + timeout
        _wait_for(self._turnstile, deadline)
        try:
            _wait_for(self._lock, deadline)
        finally:
            fcntl.flock(self._turnstile, fcntl.LOCK_UN)

    def release(self) -> None:
        """Let the next process write."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give back the file descriptors."""
        os.close(self._turnstile)
        os.close(self._lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _wait_for(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise NotDurable("another process has kept the database locked for too long") from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return
