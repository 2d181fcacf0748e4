"""Business time, handed to whoever needs it, and how long to wait after failures.

Leases and waits do not run on business time (design section 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


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
