"""A process that does nothing but deliver: from its start to a signal."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from duis_gateway.outbox.dispatcher import Delivery

_LOOK = 0.5  # seconds after which a signal that nobody was woken for is noticed


def deliver_until_signalled(delivery: Delivery, timeout: float = 10.0) -> bool:
    """Start delivering; at SIGTERM or SIGINT stop as `Delivery.stop` does (threat F24).

    Must be called in the main thread. Returns whether every lane ended within `timeout` (seconds).
    """
    signalled = threading.Event()

    def note(_signal: int, _frame: FrameType | None) -> None:
        signalled.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        delivery.start()
        # Not without limit: a signal that comes just before the wait begins, or to another thread, would not end it.
        while not signalled.wait(_LOOK):
            continue
        return delivery.stop(timeout)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
