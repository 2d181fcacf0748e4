"""Dear work of a listener's loop, such as a TLS handshake: one piece in each of its turns, each address in its turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

Work = Callable[[], bool]
"""Does its piece; returns whether there was anything to do: a client may have gone while it waited."""


class Turns:
    """What waits to be done, by who wants it. All of it belongs to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: OrderedDict[str, deque[Work]] = OrderedDict()

    def wait(self, place: str, work: Work) -> None:
        """Have this done when it is the turn of `place` (`crowd.place_of`), and of this piece there."""
        if not self._waiting:
            # In the turn after the next, when it is known whether the client has gone.
            self._loop.call_soon(self._loop.call_soon, self._next)
        self._waiting.setdefault(place, deque()).append(work)

    def _next(self) -> None:
        done = False
        while self._waiting and not done:
            place, pieces = self._waiting.popitem(last=False)
            work = pieces.popleft()
            if pieces:
                self._waiting[place] = pieces
            done = work()
        if self._waiting:
            self._loop.call_soon(self._next)
