"""A thread of the gateway that does the same again and again until it is told to stop."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from time import monotonic

from duis_gateway.machine.threads import lasting

_SECONDS_TO_STOP = 10.0


class Recurring(ABC):
    """Does its work at once, then every so many seconds and whenever it is woken."""

    def __init__(self, name: str, every: float) -> None:
        self._every = every
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread = lasting(self._work, name=name)

    def start(self) -> None:
        """Begin, with what was left or fell due while nothing ran."""
        self._thread.start()

    def wake(self) -> None:
        """Do it again at once."""
        self._wanted.set()

    def begin_to_stop(self) -> None:
        """Begin nothing more; returns at once."""
        self._over.set()
        self._wanted.set()

    def stop(self, deadline: float | None = None) -> bool:
        """Let it finish what it does, by the deadline (on the monotonic clock; 10 seconds from now unless given).

        Returns whether it has ended (threat F24).
        """
        self.begin_to_stop()
        if self._thread.is_alive():
            self._thread.join(_SECONDS_TO_STOP if deadline is None else max(0.0, deadline - monotonic()))
        return not self._thread.is_alive()

    def _work(self) -> None:
        while not self._over.is_set():
            self._wanted.clear()
            self._run()
            self._wanted.wait(self._every)

    @abstractmethod
    def _run(self) -> None:
        """Do it once; raises nothing."""
