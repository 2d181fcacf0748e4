"""Processes of the gateway killed at random under load: nothing acknowledged may be lost, doubled or out of order."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from random import Random

from tests.support.fault_world import FaultWorld
from tests.support.ledger import compare
from tests.support.load import under_load
from tests.support.processes import GatewayProcess

GATEWAYS, DELIVERERS = 2, 2
_AT_ONCE = 3
"""Messages under way to each gateway."""


class Killed:
    """So many gateways and deliverers, each started again as soon as it was killed."""

    def __init__(self, world: FaultWorld) -> None:
        def deliver() -> GatewayProcess:
            return world.deliver(delivery_lease=5, delivery_total_timeout=2)

        self._starts: list[Callable[[], GatewayProcess]] = [world.take_in] * GATEWAYS + [deliver] * DELIVERERS
        self._alive = [start() for start in self._starts]

    def kill(self, number: int) -> None:
        """Kill -9 one of them, whatever it does just then, and start its successor."""
        self._alive[number].kill()
        self._alive[number] = self._starts[number]()

    def __len__(self) -> int:
        return len(self._alive)

    def url(self, number: int) -> str:
        """Return where this one listens, in the life that it lives now."""
        while True:
            process = self._alive[number]
            try:
                return process.url
            except (AssertionError, ValueError):  # killed while this waited for it to listen
                if process is self._alive[number]:
                    raise

    def end(self) -> None:
        """End all, as an operator does."""
        assert [process.terminate() for process in self._alive] == [0] * len(self)


def kill_at_random(world: FaultWorld, kills: int, seed: int, hub_count: int) -> int:
    """Kill so many processes under load, compare everything afterwards, and return how many messages were taken in.

    Args:
        world: with at least `hub_count` hubs.
        kills: how many.
        seed: decides who is killed and when.
        hub_count: hubs that may be activated; each is once.
    """
    random = Random(seed)
    processes = Killed(world)
    urls = [partial(processes.url, number) for number in range(GATEWAYS)]
    with under_load(world, urls, _AT_ONCE, hub_count):
        for _ in range(kills):
            victim = random.randrange(len(processes))
            processes.url(victim)  # it has begun to work
            time.sleep(random.uniform(0.0, 1.0))
            processes.kill(victim)
    world.wait_until_delivered(150)
    processes.end()
    compare(world.ledger, world.store, world.receivers, most_sends=1 + kills)
    return len(world.ledger.acknowledged)
