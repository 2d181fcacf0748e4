"""Business time, handed to whoever needs it, and how long to wait after failures.

Leases and waits do not run on business time (design section 8).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from duis_gateway.machine.files import put_whole, read_text

_MOST_BYTES = 1024
_log = logging.getLogger(__name__)

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2999, 12, 31, 23, 59, 59, 999_999, UTC)
"""The first and the last moment of business time: the schemas carry no other years."""


def business_time(at: datetime) -> datetime:
    """Return a moment in UTC, whatever zone it was written in.

    Raises:
        ValueError: it has no zone, or lies in UTC outside the years 2000 to 2999 (threat T46).
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    try:
        utc = at.astimezone(UTC)
    except OverflowError:
        utc = None
    if utc is None or not EARLIEST <= utc <= LATEST:
        raise ValueError(f"a time outside the years {EARLIEST.year} to {LATEST.year} (in UTC)")
    return utc


class Clock(Protocol):
    """Tells business time."""

    def now(self) -> datetime:
        """Return the present moment: aware, in UTC."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Return the present moment: aware, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A time that stands still, for test packs (`[clock] fixed`)."""

    instant: datetime

    def now(self) -> datetime:
        """Return the fixed moment, in UTC."""
        return self.instant.astimezone(UTC)


class FileClock:
    """A time that stands where a file puts it (`[clock] file`): whoever writes the file moves it.

    The file is read each time. Where it cannot be read, the time stays as it was, and the log says so once.
    """

    def __init__(self, path: Path) -> None:
        """Take the file (OSError: it cannot be read; ValueError: it holds no time with a zone)."""
        self._path = path
        self._instant = read_clock(path)
        self._problem = ""

    def now(self) -> datetime:
        """Return the moment that the file holds, in UTC."""
        try:
            self._instant, problem = read_clock(self._path), ""
        except (OSError, ValueError) as error:
            problem = str(error)
        if problem and problem != self._problem:
            about = {"event": "clock-file", "problem": problem}
            _log.error("the clock's file cannot be read; the time stays as it was", extra=about)
        self._problem = problem
        return self._instant


def read_clock(path: Path) -> datetime:
    """Return the moment that a clock's file holds (OSError, ValueError: as `FileClock`)."""
    return business_time(datetime.fromisoformat(read_text(path, _MOST_BYTES).strip()))


def write_clock(path: Path, instant: datetime) -> None:
    """Put the clock of a file at this moment; readers see the old time or the new one, never half of it."""
    put_whole(path, f"{business_time(instant).isoformat()}\n".encode())


def clock_of(fixed: datetime | None, file: Path | None = None) -> Clock:
    """Return the clock that the configuration asks for: the machine's, a fixed one, or a file's (errors as there)."""
    if file is not None:
        return FileClock(file)
    return SystemClock() if fixed is None else FixedClock(fixed)


def wait_after(failures: int, first: float, longest: float) -> float:
    """Return the wait after this many consecutive failures: it doubles from `first` up to `longest`.

    After none it is `first`. All three are in the same unit, seconds as a rule.
    """
    doublings = min(max(failures, 1) - 1, 62)  # more would overflow, and reach any `longest` long before
    return min(longest, first * 2.0**doublings)
