"""How soon a lane has taken the measure of its recipient, and what it does in its turns at the database."""

from __future__ import annotations

import threading
from collections import Counter

from sqlalchemy import select

from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.held import A_LANE, Held
from duis_gateway.outbox.lanes import Lane, LaneSettings, Stopping
from duis_gateway.outbox.observer import DeliveryObserver
from duis_gateway.outbox.retry import Failure, RetryPolicy
from duis_gateway.outbox.store import ClaimedMessage
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import outbox
from tests.support.outbox import HTTP, enqueue, messages
from tests.support.writing import wait_until


class Quick:
    """Accepts everything at once, and counts how many messages came by one claim, in the order of the claims."""

    deadline = 5.0

    def __init__(self) -> None:
        self.by_claim: Counter[str] = Counter()
        self._counting = threading.Lock()

    def send(self, message: ClaimedMessage) -> Failure | None:
        with self._counting:
            self.by_claim[message.token] += 1
        return None

    def abort(self) -> None:
        """Nothing goes on."""

    def close(self) -> None:
        """Nothing is open."""


def test_a_quick_recipient_is_known_after_the_first_claim(store: Store) -> None:
    """With two hundred recipients each claim takes its turn, so a lane that claimed a few for long would be slow."""
    count, in_flight = 150, 4
    enqueue(store, *messages(count))
    quick = Quick()
    delivery = Delivery(store, {"http": quick}, settings=DeliverySettings(LaneSettings(in_flight), poll=0.05))
    delivery.start()
    wait_until(lambda: quick.by_claim.total() == count)
    assert delivery.stop()
    first, second, *_ = quick.by_claim.values()
    assert first == in_flight, "the recipient may be slow"
    assert second > 10 * in_flight


class Stepwise(Quick):
    """Takes as many messages as it may, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = self._may_take = 0
        self._changed = threading.Condition()

    def send(self, message: ClaimedMessage) -> Failure | None:
        with self._changed:
            self.begun += 1
            assert self._changed.wait_for(lambda: self.begun <= self._may_take, 30.0)
        return None

    def take_until_at(self, number: int) -> None:
        """Take all before this one; when it has begun, those before have ended."""
        with self._changed:
            self._may_take = number - 1
            self._changed.notify_all()
        wait_until(lambda: self.begun == number)

    def take_the_rest(self) -> None:
        with self._changed:
            self._may_take = 1000
            self._changed.notify_all()


class Turns(threading.Semaphore):
    """One turn, and whether somebody asks for it."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked = threading.Event()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        self.asked.set()
        return super().acquire(blocking, timeout)


def test_what_ends_while_a_lane_waits_for_its_turn_is_marked_in_that_turn(store: Store) -> None:
    """Of two hundred lanes each waits for seconds: half a batch for each turn costs twice as many."""
    enqueue(store, *messages(10))
    sender, turns = Stepwise(), Turns()
    one_at_a_time, whole = LaneSettings(in_flight=1), Held(A_LANE)
    lane = Lane(HTTP, store, sender, RetryPolicy(), one_at_a_time, DeliveryObserver(), Stopping(), turns, whole)
    running = threading.Thread(target=lane.run)
    running.start()
    sender.take_until_at(2)  # the first had a claim of its own
    turns.acquire()
    turns.asked.clear()
    sender.take_until_at(4)
    assert turns.asked.wait(30.0)
    sender.take_until_at(10)
    turns.release()
    wait_until(lambda: len(marked_at(store)) > 1)
    sender.take_the_rest()
    running.join(30.0)
    assert not running.is_alive()
    times = marked_at(store)
    assert len(times) == 10
    assert len(set(times[1:9])) == 1


def marked_at(store: Store) -> list[float]:
    """When what has been delivered was marked so, in the order of the messages."""
    with store.read() as conn:
        found = conn.execute(
            select(outbox.c.delivered_at).where(outbox.c.delivered_at.is_not(None)).order_by(outbox.c.id)
        )
        return list(found.scalars())
