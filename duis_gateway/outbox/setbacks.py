"""What failed and is to be retried: after growing waits, or at once if something has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic

from duis_gateway.clock import wait_after

BASE, CAP = 1.0, 300.0
"""Seconds: the wait after the first failure, which doubles, and the longest."""


@dataclass(slots=True)
class _Setback:
    state: object
    failures: int = 0
    not_before: float = 0.0


class Setbacks:
    """What a process remembers about failures, keyed by the name of what failed. Thread-safe.

    Time is monotonic: business time may stand still. `state` is what it was tried on; if that has changed, it is
    retried at once, starting again with short waits.
    """

    def __init__(self, clock: Callable[[], float] = monotonic, base: float = BASE, cap: float = CAP) -> None:
        self._clock = clock
        self._base = base
        self._cap = cap
        self._lock = threading.Lock()
        self._known: dict[Hashable, _Setback] = {}

    def may_try(self, thing: Hashable, state: object = None) -> bool:
        """Tell whether it is time to try it."""
        with self._lock:
            known = self._known.get(thing)
            return known is None or known.state != state or known.not_before <= self._clock()

    def failed(self, thing: Hashable, state: object = None) -> int:
        """Note a failure; return the number of consecutive failures."""
        with self._lock:
            known = self._known.get(thing)
            if known is None or known.state != state:
                known = self._known[thing] = _Setback(state)
            known.failures += 1
            known.not_before = self._clock() + wait_after(known.failures, self._base, self._cap)
            return known.failures

    def succeeded(self, thing: Hashable) -> bool:
        """Forget its failures; return whether there were any."""
        with self._lock:
            return self._known.pop(thing, None) is not None
