"""How many octets of messages are in memory while they are delivered."""

from __future__ import annotations

import threading
from collections import deque

A_LANE = 512 * 1024
"""What one lane holds at most, or one message: two hundred recipients that hang must not fill the memory."""

A_RELAY = 8 * 1024 * 1024
"""What all lanes hold at most that send through one mail relay, and one message more.

An announcement to a supplier with 50,000 hubs has five megabytes, and sending it takes four times as many. With a relay
that took 15 seconds for each of 24 of them, a process had 513 MB.
"""


class Held:
    """Octets that one lane, or several, may hold. Whoever finds no room waits in turn, so that each gets on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def room_for(self, lane: object) -> int:
        """Return how many octets the lane may take now: none while another waits before it."""
        with self._changed:
            return max(0, self._most - self._held) if self._is_next(lane) else 0

    def change(self, octets: int) -> None:
        """Hold so many octets more, or fewer."""
        with self._changed:
            self._held += octets
            self._changed.notify_all()

    def wait(self, lane: object, seconds: float) -> None:
        """Wait until there is room for this lane, but no longer than that; its place is kept until it leaves."""
        with self._changed:
            if lane not in self._waiting:
                self._waiting.append(lane)
            self._changed.wait_for(lambda: self._is_next(lane) and self._held < self._most, seconds)

    def leave(self, lane: object) -> None:
        """Give the lane's place in the queue, if it has one, to the next."""
        with self._changed:
            if lane in self._waiting:
                self._waiting.remove(lane)
                self._changed.notify_all()

    def _is_next(self, lane: object) -> bool:
        return not self._waiting or self._waiting[0] is lane
