"""Keeps those who look at a sandbox and its reset apart: a reset takes away all that they read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from duis_gateway.errors import GatewayError

SECONDS = 60.0
"""How long a reader waits for a reset: many times as long as one takes."""


class BeingReset(GatewayError):
    """The sandbox is being reset, and that takes longer than its readers wait."""


class Renewal:
    """Any number read at a time; whoever makes everything anew waits for them, and they for it."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._changed = threading.Condition()
        self._readers = 0
        self._under_way = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read in this block what stands (BeingReset: it has not stood for too long)."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._under_way, self._seconds):
                raise BeingReset("the sandbox is being reset; try again")
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Make everything anew in this block, by one thread at a time, which does not read itself."""
        with self._changed:
            self._under_way = True
            self._changed.wait_for(lambda: not self._readers)
        try:
            yield
        finally:
            with self._changed:
                self._under_way = False
                self._changed.notify_all()
