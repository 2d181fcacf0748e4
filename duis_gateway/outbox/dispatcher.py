"""Delivery in one process: finds the destinations that have something due, and runs a lane for each.

Any number of processes may deliver from the same outbox; each keeps its own lanes, and the claims keep them apart.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from duis_gateway.machine.threads import lasting, started
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.held import A_LANE, A_RELAY, Held
from duis_gateway.outbox.lanes import Lane, LaneSettings, Stopping, report_unreachable
from duis_gateway.outbox.observer import DeliveryObserver
from duis_gateway.outbox.retry import RetryPolicy
from duis_gateway.outbox.senders import Sender
from duis_gateway.outbox.store import Destination
from duis_gateway.store.engine import Store

log = logging.getLogger(__name__)

_SHORTEST_LOOK = 0.01
_SHARE_TO_FINISH = 0.6
_SHARE_TO_GIVE_UP = 0.9
_SECONDS_TO_STOP = 10.0
_LANES_AT_THE_DATABASE = 2
"""Of two hundred lanes at once the rest took every connection to PostgreSQL, and messages that came in waited.

Two deliver more than one or four do: one claims while the other commits.
"""


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """`poll`: seconds between looks at the outbox for what other processes stored."""

    lanes: LaneSettings = field(default_factory=LaneSettings)
    poll: float = 1.0


class Delivery:
    """The delivery workers of this process.

    Args:
        store: holds the outbox.
        senders: by channel (`http`, `email`); messages of a channel without a sender wait.
        policy: how often and how long a message is tried.
        settings: how much at once.
        observer: is told what happens.
    """

    def __init__(
        self,
        store: Store,
        senders: Mapping[str, Sender],
        policy: RetryPolicy | None = None,
        settings: DeliverySettings | None = None,
        observer: DeliveryObserver | None = None,
    ) -> None:
        self._store = store
        self._senders = senders
        self._policy = policy or RetryPolicy()
        self._settings = settings or DeliverySettings()
        self._observer = observer or DeliveryObserver()
        self._longest = max(
            self._policy.longest_pause,
            *(self._settings.lanes.lease_with(sender.deadline) for sender in senders.values()),
        )
        self._stopping = Stopping()
        self._turns = threading.BoundedSemaphore(_LANES_AT_THE_DATABASE)
        self._relay = Held(A_RELAY)
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._lanes: dict[Destination, Lane] = {}
        self._running: dict[Destination, threading.Thread] = {}
        self._cut_at = float("inf")
        self._thread = lasting(self._run, name="delivery")

    def start(self) -> None:
        """Begin; returns at once. A `Delivery` is started once."""
        self._thread.start()

    def wake(self) -> None:
        """Say that something was stored: call this after a commit that put something into the outbox.

        Cheap, from any thread.
        """
        self._wake.set()

    def begin_to_stop(self, deadline: float) -> None:
        """Start no further attempts; returns at once.

        Attempts that have not ended after most of the time until the deadline (on the monotonic clock) are cut, and
        their leases given back.
        """
        now = monotonic()
        self._cut_at = now + (deadline - now) * _SHARE_TO_FINISH
        self._stopping.request(now + (deadline - now) * _SHARE_TO_GIVE_UP)
        self._wake.set()

    def stop(self, deadline: float | None = None) -> bool:
        """Let running attempts end, give back every lease, and close the senders, by the deadline (F24).

        Without a deadline it has 10 seconds. Returns whether every lane ended in time; what did not is recovered by
        the next process when its lease runs out.
        """
        until = monotonic() + _SECONDS_TO_STOP if deadline is None else deadline
        if not self._stopping.requested.is_set():
            self.begin_to_stop(until)
        self._join(self._cut_at)
        for sender in self._senders.values():
            sender.abort()
        ended = self._join(until)
        for sender in self._senders.values():
            sender.close()
        return ended

    def down(self) -> list[Destination]:
        """Return the destinations that this process considers down."""
        with self._lock:
            return [destination for destination, lane in self._lanes.items() if lane.breaker.is_open]

    def down_by_channel(self) -> dict[str, int]:
        """Return how many destinations this process considers down, for each channel that it serves."""
        down = Counter(destination.channel for destination in self.down())
        return {channel: down[channel] for channel in self._senders}

    def _join(self, until: float) -> bool:
        with self._lock:
            threads = list(self._running.values())
        if self._thread.ident is not None:
            threads.append(self._thread)
        for thread in threads:
            thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run(self) -> None:
        reachable = True
        while not self._stopping.requested.is_set():
            self._wake.clear()
            try:
                self._look()
                reachable = True
            except Exception as error:
                # Whatever it was, nothing more would be sent if this thread ended.
                if reachable:
                    report_unreachable(error)
                reachable = False
            self._wake.wait(self._time_to_wait())
            self._stopping.requested.wait(_SHORTEST_LOOK)

    def _look(self) -> None:
        with self._store.read() as conn:
            due = outbox.due_destinations(conn)
            lost = outbox.has_lost(conn, self._longest)
        if lost:
            due = self._recover()
        for destination in due:
            self._start_lane(destination)

    def _recover(self) -> list[Destination]:
        """Take back what nobody holds any more, and what waits because a clock was set back; return who has it."""
        with self._store.write() as conn:
            recovered = outbox.recover_expired(conn, self._longest)
            brought_forward = outbox.bring_forward(conn, self._longest)
            due = outbox.due_destinations(conn)
        if recovered:
            log.warning("leases ran out, messages are due again", extra={"count": recovered})
            self._observer.leases_expired(recovered)
        if brought_forward:
            about = {"event": "clock-put-back", "count": brought_forward}
            log.warning("messages were scheduled further ahead than any wait, and are due now", extra=about)
        return due

    def _start_lane(self, destination: Destination) -> None:
        sender = self._senders.get(destination.channel)
        if sender is None:
            return
        with self._lock:
            if destination in self._running or self._stopping.requested.is_set():
                return
            lane = self._lanes.get(destination)
            if lane is None:
                lane = self._lanes[destination] = Lane(
                    destination,
                    self._store,
                    sender,
                    self._policy,
                    self._settings.lanes,
                    self._observer,
                    self._stopping,
                    self._turns,
                    self._relay if destination.channel == "email" else Held(A_LANE),
                )
            if lane.breaker.pause > 0:
                return
            thread = started(self._run_lane, lane, name="delivery-lane")
            if thread is not None:
                self._running[destination] = thread

    def _run_lane(self, lane: Lane) -> None:
        busy = False
        try:
            busy = lane.run()
        except Exception:
            # Whatever it held comes back when the lease runs out; the other lanes go on.
            log.exception("a delivery lane failed", extra={"recipient": lane.destination.recipient})
        with self._lock:
            self._running.pop(lane.destination, None)
        if busy:
            # Something may have come in between its last look and its end.
            self._wake.set()

    def _time_to_wait(self) -> float:
        with self._lock:
            idle = [lane for destination, lane in self._lanes.items() if destination not in self._running]
        pauses = [pause for lane in idle if (pause := lane.breaker.pause) > 0]
        return min([self._settings.poll, *pauses])
