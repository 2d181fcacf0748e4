"""What the connections of one listener have in common."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from duis_gateway.doors.crowd import Crowd
from duis_gateway.doors.http import Application
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.turns import Turns
from duis_gateway.doors.wire import HttpRequest
from duis_gateway.doors.workers import Workers
from duis_gateway.errors import TooBusy

_RECEIVED_AT_ONCE = 32 * 1024
"""Bytes that a connection with TLS takes from its socket before others have their turn."""
_A_MOMENT = 1.0
"""Seconds in which any client may have read nothing yet."""


class Guest(Protocol):
    """One of the connections, as far as the others are concerned."""

    in_hand: bool
    held: int

    def waited(self, now: float) -> float:
        """Return for how many seconds the client has taken nothing of what waits for it; 0 where it reads."""

    def is_idle(self) -> bool:
        """Whether nothing is being read, worked on or answered."""

    def keep_time(self, now: float) -> None:
        """End or refuse what takes too long; `now` is monotonic, in seconds."""

    def give_up(self) -> None:
        """Make room for others: refuse the request that is being read, or end the connection."""

    def abort(self) -> None:
        """End the connection at once."""


class Floor:
    """Its application, its limits and its workers, who is connected, and how much is held for them.

    `received`: where connections with TLS receive, one after another.
    """

    def __init__(
        self,
        app: Application,
        limits: ServerLimits,
        workers: Workers,
        large_workers: Workers,
        apart_workers: Workers,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.app = app
        self.limits = limits
        self.workers = workers
        self.large_workers = large_workers
        self.apart_workers = apart_workers
        self.loop = loop
        self.turns = Turns(loop)
        self.crowd: Crowd[Guest] = Crowd(limits.most, limits.most_an_address)
        self.stopping = False
        self.streams: Counter[int | None] = Counter()
        self.feeds = 0  # how many listen to a feed
        self.received = bytearray(_RECEIVED_AT_ONCE)
        self._held = 0

    def workers_for(self, request: HttpRequest) -> Workers:
        """Return who works on a request: large ones, and what nothing may hold up, have workers of their own."""
        if self.app.apart(request):
            return self.apart_workers
        return self.large_workers if len(request.content) > self.limits.large else self.workers

    def tell(self, callback: Callable[[], None]) -> None:
        """Have the loop call this; a worker that hung until the loop was over tells nobody."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(callback)

    def hold(self, more: int) -> None:
        """Count what is held in memory for clients; beyond the limit, somebody for whom nothing is worked on goes.

        It is one of the address that holds most in all, so that nobody shuts out others' long messages with many short
        pieces of his own: there, who has not read for longest, and then who holds most.
        """
        now = monotonic()
        self._held += more
        while more > 0 and self._held > self.limits.held:
            by_place: Counter[str] = Counter()
            for one in self.crowd:
                by_place[self.crowd.place(one)] += one.held
            may_go = [one for one in self.crowd if one.held and (not one.in_hand or one.waited(now))]
            if not may_go:
                return
            max(may_go, key=lambda one: (by_place[self.crowd.place(one)], _unread_for(one, now), one.held)).give_up()

    def stream_refusal(self, asker: int | None) -> TooBusy | None:
        """Return why one more answer cannot be streamed to this party, or None if it can."""
        if self.streams[asker] >= self.limits.streams_of_one:
            return TooBusy(
                f"{self.limits.streams_of_one} tables are already being sent to this party; wait until they end"
            )
        if self.streams.total() >= self.limits.streams:
            return TooBusy("the gateway is already sending as many tables as it can at the same time")
        return None

    def feed_refusal(self) -> TooBusy | None:
        """Return why one more client cannot listen to a feed, or None if it can."""
        if self.feeds < self.limits.most_feeds:
            return None
        return TooBusy("as many clients are already listening as may at the same time")

    def make_room(self, address: str | None = None) -> bool:
        """Send the longest idle connection away; return whether there was one."""
        one = self.crowd.longest_idle(address)
        if one is not None:
            one.abort()
        return one is not None


def _unread_for(one: Guest, now: float) -> float:
    waited = one.waited(now)
    return waited if waited > _A_MOMENT else 0.0
