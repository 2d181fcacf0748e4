"""What a process remembers about one destination: is it answering, and how much may go to it now (threats F13, F19)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from time import monotonic

from duis_gateway.outbox.retry import Failure, RetryPolicy


class Breaker:
    """Opens after `threshold` failures in a row; then only single probes go, ever further apart, until one succeeds.

    After that the allowance doubles from success to success, so that a recipient that has just come back is not
    overwhelmed by what was waiting for it. A failure with `Retry-After` pauses the destination at once. Thread-safe.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        ceiling: int,
        threshold: int = 5,
        clock: Callable[[], float] = monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._ceiling = ceiling
        self._threshold = threshold
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._failures = 0
        self._allowance = ceiling
        self._paused_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the recipient is considered down."""
        return self._failures >= self._threshold

    @property
    def pause(self) -> float:
        """The seconds until something may be sent again; 0 if that is now."""
        with self._lock:
            return max(0.0, self._paused_until - self._clock())

    @property
    def allowance(self) -> int:
        """How many messages may be on their way now: 0 while paused, 1 while probing, then up to the ceiling."""
        with self._lock:
            if self._paused_until > self._clock():
                return 0
            return 1 if self.is_open else self._allowance

    def succeeded(self) -> bool:
        """Note an accepted message; returns whether that closed the breaker."""
        with self._lock:
            closed = self.is_open
            self._failures = 0
            self._paused_until = 0.0
            self._allowance = 2 if closed else min(self._ceiling, self._allowance * 2)
            return closed

    def failed(self, failure: Failure) -> bool:
        """Note a failure; returns whether that opened the breaker."""
        with self._lock:
            was_open = self.is_open
            self._failures += 1
            probes = self._failures - self._threshold + 1
            if self.is_open:
                self._pause(self._policy.pause(probes, failure, self._jitter()))
            elif failure.retry_after is not None:
                self._pause(min(failure.retry_after, self._policy.retry_after_cap))
            return self.is_open and not was_open

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock() + seconds)
