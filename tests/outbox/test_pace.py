"""How soon a lane has taken the measure of its recipient."""

from __future__ import annotations

import threading
from collections import Counter

from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.lanes import LaneSettings
from duis_gateway.outbox.retry import Failure
from duis_gateway.outbox.store import ClaimedMessage
from duis_gateway.store.engine import Store
from tests.support.outbox import enqueue, messages
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
