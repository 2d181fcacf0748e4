"""Counters for RequestIDs that never repeat: a RequestID is good for one request."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from duis_gateway.client.arguments import expect, path_of
from duis_gateway.client.errors import SetupWrong
from duis_gateway.text.numbers import is_digits

Counter = Callable[[], int]
"""Returns a number that it has not returned before, above 0 and below 2^64."""

_END = 1 << 64
_LONGEST = 64


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
        """Take where the file is, and the last number that was used before there was one.

        Raises:
            SetupWrong: that is no path, or no number that another may follow.
        """
        self._path = path_of("the file of RequestIDs", path)
        expect("last", last, int, "the last number that was used")
        if not 0 <= last < _END - 1:
            raise SetupWrong(f"last={last} is not a number that another one below 2^64 can follow")
        self._last = int(last)
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Return the next number.

        Raises:
            SetupWrong: the file cannot be written, or holds no number that another may follow. A file that is there
                and empty is such: whatever emptied it, the numbers that were used are not known.
        """
        with self._lock:
            try:
                return self._next()
            except OSError as error:
                raise SetupWrong(f"{self._path}, the file of RequestIDs, cannot be used: {error.strerror}") from None

    def _next(self) -> int:
        if not self._path.exists():
            self._begin()
        file = os.open(self._path, os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            held = os.pread(file, _LONGEST, 0).decode("ascii", "replace")
            digits = held.rstrip()  # `echo` and editors end a line
            if not is_digits(digits, _LONGEST) or not 0 < (number := int(digits) + 1) < _END:
                raise SetupWrong(
                    f"{self._path}, the file of RequestIDs, holds {held[:40]!r} and not a number that another one can "
                    "follow",
                    "write a number into it that is above all those used",
                )
            # A number only grows longer, so what is written covers what was there.
            os.pwrite(file, str(number).encode(), 0)
            os.fsync(file)
            return number
        finally:
            os.close(file)

    def _begin(self) -> None:
        """Make the file with its first number in it at once: one that is empty was emptied."""
        with tempfile.NamedTemporaryFile("w", dir=self._path.parent, prefix=f".{self._path.name}-") as new:
            new.write(str(self._last))
            new.flush()
            os.fsync(new.fileno())
            with suppress(FileExistsError):  # another process has just begun it
                os.link(new.name, self._path)
