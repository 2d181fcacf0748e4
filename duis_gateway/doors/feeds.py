"""An answer that goes on: its listeners are told what happens, when it happens, and no worker waits for any of them."""

from __future__ import annotations

import threading
from collections.abc import Callable

Hear = Callable[[bytes], None]
"""Takes what is told; called in whatever thread tells it, and must not wait."""


class Feed:
    """What is told to all who listen at the time; thread-safe. Who comes later is not told what was said before.

    `joined` is called whenever somebody begins to listen. `greeting` is what each listener hears first.
    """

    def __init__(self, greeting: bytes, joined: Callable[[], object]) -> None:
        self.greeting = greeting
        self._joined = joined
        self._listeners: set[Hear] = set()
        self._lock = threading.Lock()

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def join(self, hear: Hear) -> None:
        """Tell this listener all that is told from now on."""
        with self._lock:
            self._listeners.add(hear)
        self._joined()

    def leave(self, hear: Hear) -> None:
        """Tell this listener nothing more."""
        with self._lock:
            self._listeners.discard(hear)

    def tell(self, data: bytes) -> None:
        """Tell all who listen."""
        with self._lock:
            listeners = list(self._listeners)
        for hear in listeners:
            hear(data)
