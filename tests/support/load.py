"""Messages without end from several senders at once, each sent until it is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.support.fault_world import LISTABLE, FaultWorld
from tests.support.ledger import Client, Outgoing
from tests.support.processes import PATIENCE
from tests.support.writing import wait_until

_PATIENCE = 5 * PATIENCE
"""Seconds: the same gateway may be killed several times in a row, each time as soon as it has started."""
_EACH = 3
"""Hubs in a message of outcomes."""


class Load:
    """What is sent until it is over: lists, questions and outcomes; each hub is activated once, while there are any."""

    def __init__(self, world: FaultWorld, hub_count: int) -> None:
        self._world = world
        self._over = threading.Event()
        self._giving = threading.Lock()
        self._rounds = iter(range((hub_count - LISTABLE) // _EACH))

    def send(self, client: Client) -> None:
        """Send until it is over."""
        while not self._over.is_set():
            for message in self._next():
                client.send(message)

    def end(self) -> None:
        """Let what is under way be the last."""
        self._over.set()

    def go_on(self, count: int) -> None:
        """Wait until so many more messages have been taken in."""
        before = len(self._world.ledger.acknowledged)
        wait_until(lambda: len(self._world.ledger.acknowledged) >= before + count, PATIENCE)

    def _next(self) -> list[Outgoing]:
        with self._giving:
            number = next(self._rounds)
            first = LISTABLE + _EACH * number
            return [
                self._world.pilot_list(number % LISTABLE + 1),
                self._world.read_inventory(number % LISTABLE),
                self._world.activations(range(first, first + _EACH)),
            ]


@contextmanager
def under_load(world: FaultWorld, urls: Sequence[Callable[[], str]], at_once: int, hub_count: int) -> Iterator[Load]:
    """Load on gateways that are at these URLs in each moment, `at_once` messages to each; in the end all are answered.

    `hub_count`: the hubs of the world, of which the first are for lists and the others are activated.
    """
    load = Load(world, hub_count)
    clients = [Client(world.ledger, url, _PATIENCE) for url in urls]
    clients[0].send(world.release_notice(hub_count))  # what is activated counts towards the limit, as what is listed
    with ThreadPoolExecutor(len(clients) * at_once) as pool:
        sending = [pool.submit(load.send, client) for client in clients for _ in range(at_once)]
        try:
            yield load
        finally:
            load.end()
        for one in sending:
            one.result()
