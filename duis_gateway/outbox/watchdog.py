"""A total deadline for network attempts, whatever the peer does (threats F14, F17).

A socket's own timeout restarts with every byte, so a peer that sends one byte a second is never late. The watchdog
shuts the connection of an attempt that is past its deadline; the thread that waits on it then sees the end of the
stream at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from duis_gateway.machine.threads import started

_TICK = 0.2


class Attempt:
    """One attempt with a deadline on the monotonic clock, and the connection that it is currently using."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.overdue = False
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._owned = False

    @property
    def remaining(self) -> float:
        """The seconds left, at least 0.001, because zero would mean a socket that never waits."""
        return max(0.001, self.deadline - time.monotonic())

    def use(self, connection: socket.socket | None, owned: bool = False) -> None:
        """Say which connection to shut when time is up; shut it now if time was up before.

        An `owned` one (a duplicate made for this purpose) is closed when another takes its place.
        """
        with self._lock:
            if self._owned and self._connection is not None:
                self._connection.close()
            self._connection, self._owned = connection, owned
            if self.overdue:
                self._shut()

    def cut(self) -> None:
        """End the attempt, from any thread."""
        with self._lock:
            self.overdue = True
            self._shut()

    def _shut(self) -> None:
        if self._connection is not None:
            # The plain socket's shutdown, also under TLS: SSLSocket.shutdown would pull the TLS state away
            # from under the thread that is reading.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


class Watchdog:
    """Ends attempts that are past their deadline, from a thread of its own that runs while there are attempts."""

    def __init__(self) -> None:
        self._attempts: set[Attempt] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self, seconds: float) -> Attempt:
        """Begin an attempt that may take this long in all; end it with `finish`.

        Raises:
            OSError: nobody could end it, because there is no thread to be had.
        """
        attempt = Attempt(time.monotonic() + seconds)
        with self._changed:
            if self._thread is None:
                self._thread = started(self._run, name="delivery-watchdog")
            if self._thread is None:
                raise OSError("the gateway has no thread for the deadline of an email")
            self._attempts.add(attempt)
            if len(self._attempts) == 1:
                self._changed.notify()
        return attempt

    def finish(self, attempt: Attempt) -> None:
        """Forget an attempt; from now on its connection is left alone."""
        with self._changed:
            self._attempts.discard(attempt)
        attempt.use(None)

    def cut_all(self) -> None:
        """End every attempt now (at shutdown)."""
        with self._changed:
            attempts = list(self._attempts)
        for attempt in attempts:
            attempt.cut()

    def close(self) -> None:
        """End every attempt and the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self.cut_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._attempts and not self._closed:
                    self._changed.wait()
                elif not self._closed:
                    self._changed.wait(_TICK)
                if self._closed:
                    return
                attempts = list(self._attempts)
            now = time.monotonic()
            for attempt in attempts:
                if attempt.deadline <= now:
                    attempt.cut()
