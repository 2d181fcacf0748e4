"""Business time, handed to whoever needs it, and how long to wait after failures.

Leases and waits do not run on business time (design section 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

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
        raise ValueError(f"the time is, in UTC, not between the years {EARLIEST.year} and {LATEST.year}")
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


def clock_of(fixed: datetime | None) -> Clock:
    """Return the clock that the configuration asks for."""
    return SystemClock() if fixed is None else FixedClock(fixed)


def wait_after(failures: int, first: float, longest: float) -> float:
    """Return the wait after this many consecutive failures: it doubles from `first` up to `longest`.

    After none it is `first`. All three are in the same unit, seconds as a rule.
    """
    doublings = min(max(failures, 1) - 1, 62)  # more would overflow, and reach any `longest` long before
    return min(longest, first * 2.0**doublings)
