"""Counters for RequestIDs that never repeat: a RequestID is good for one request."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

Counter = Callable[[], int]
"""Returns a number that it has not returned before, above 0 and below 2^64."""


class TimeCounter:
    """Nanoseconds since 1970, and always more than before; needs no file.

    Good for one process of a party at a time on a clock that is not set back by more than the process was down.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> int:
        """Return the next number."""
        with self._lock:
            self._last = max(time.time_ns(), self._last + 1)
            return self._last


class FileCounter:
    """Counts in a file, for any number of threads and processes of a machine; survives every restart.

    Numbers are on disk before they are used. A new file begins at 1, or after `last`.
    """

    def __init__(self, path: Path | str, *, last: int = 0) -> None:
        self._path = Path(path)
        self._last = last
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Return the next number.

        Raises:
            OSError, ValueError: the file cannot be written, or holds no number.
        """
        with self._lock:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                number = int(os.pread(file, 64, 0) or str(self._last)) + 1
                # A number only grows longer, so what is written covers what was there.
                os.pwrite(file, str(number).encode(), 0)
                os.fsync(file)
                return number
            finally:
                os.close(file)
