"""What waits, each address in its turn: nobody waits behind all that somebody else wants.

Workers take requests so; and the listener's loop does so what it does by itself, one piece in each of its turns: a TLS
handshake, an answer that nobody has to wait for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Work = Callable[[], bool]
"""Does its piece; returns whether there was anything to do: a client may have gone while it waited."""


class InTurn(Generic[T]):
    """A queue for each place (`crowd.place_of`), and the places in a ring. Its owner sees to threads."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, place: str, one: T) -> None:
        """Let this wait, behind what waits for the same place."""
        self._waiting.setdefault(place, deque()).append(one)

    def take(self) -> T:
        """Return the first of the place whose turn it is (KeyError: nothing waits)."""
        place, pieces = self._waiting.popitem(last=False)
        one = pieces.popleft()
        if pieces:
            self._waiting[place] = pieces
        return one


class Turns:
    """What waits for the loop. All of it belongs to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: InTurn[Work] = InTurn()

    def wait(self, place: str, work: Work) -> None:
        """Have this done when it is the turn of the place, and of this piece there."""
        if not self._waiting:
            # In the turn after the next, when it is known whether the client has gone.
            self._loop.call_soon(self._loop.call_soon, self._next)
        self._waiting.add(place, work)

    def _next(self) -> None:
        done = False
        try:
            while self._waiting and not done:
                done = self._waiting.take()()
        finally:
            if self._waiting:
                self._loop.call_soon(self._next)
