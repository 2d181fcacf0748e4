"""Processes of the gateway killed at random under load, and whatever else goes wrong meanwhile.

Nothing acknowledged may be lost, doubled or out of order.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from threading import Event

from tests.support.cluster import lone_server
from tests.support.databases import fresh_database, opened
from tests.support.fault_world import FaultWorld, fault_world
from tests.support.ledger import compare
from tests.support.load import under_load
from tests.support.processes import GatewayProcess
from tests.support.receivers import DRIP, DROP, GARBAGE, HANG, INTERIM, OK, RESET, Receiver

GATEWAYS, DELIVERERS = 2, 2
BAD_DAYS = (HANG, DROP, RESET, GARBAGE, DRIP, INTERIM, "500", "429 Retry-After: 1", "503")
"""What a receiver does instead of taking messages, until the next kill but one."""
_AT_ONCE = 3
"""Messages under way to each gateway."""
_LEASE = 5
_STOPPED = _LEASE + 1.5
"""Seconds for which a process is stopped: another has then sent what it held."""
_ROUND = 10
"""Kills for one process stopped and one restart of the database."""


@dataclass
class Withstood:
    """What was done to an installation, and how much it took in meanwhile."""

    kills: int = 0
    stops: int = 0
    restarts: int = 0
    bad_days: int = 0
    acknowledged: int = 0


class Killed:
    """So many gateways and deliverers, each started again as soon as it was killed."""

    def __init__(self, world: FaultWorld) -> None:
        def deliver() -> GatewayProcess:
            return world.deliver(delivery_lease=_LEASE, delivery_total_timeout=2)

        self._starts: list[Callable[[], GatewayProcess]] = [world.take_in] * GATEWAYS + [deliver] * DELIVERERS
        self._alive = [start() for start in self._starts]
        self._stopped: int | None = None
        self._since = 0.0

    def __enter__(self) -> Killed:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._alive:
            process.kill()

    def kill(self, number: int) -> None:
        """Kill -9 one of them, whatever it does just then, and start its successor."""
        self._alive[number].kill()
        self._alive[number] = self._starts[number]()
        if self._stopped == number:
            self._stopped = None

    def stop(self, number: int) -> None:
        """Stop one of them, whatever it does just then, until `go_on` finds that its leases have run out."""
        self._stopped, self._since = number, time.monotonic()
        self._alive[number].send(signal.SIGSTOP)

    def go_on(self, *, wait: bool = False) -> None:
        """Let the one that is stopped go on once it is time, or wait until it is."""
        left = self._since + _STOPPED - time.monotonic()
        if self._stopped is None or (left > 0 and not wait):
            return
        time.sleep(max(0.0, left))
        self._alive[self._stopped].send(signal.SIGCONT)
        self._stopped = None

    def choose(self, random: Random) -> int:
        """Return one that runs, and has begun to work."""
        number = random.choice([one for one in range(len(self._alive)) if one != self._stopped])
        self.url(number)
        return number

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
        """End all, as an operator does, once they have begun to work."""
        for number in range(len(self._alive)):
            self.url(number)
        assert [process.terminate() for process in self._alive] == [0] * len(self._alive)


def kill_at_random(
    world: FaultWorld, kills: int, seed: int, hub_count: int, restart: Callable[[], None] | None = None
) -> Withstood:
    """Kill so many processes under load, compare everything afterwards, and return what was withstood.

    Meanwhile there is always a receiver that has a bad day; in every ten kills a process is stopped beyond its leases,
    and the database is restarted.

    Args:
        world: with at least `hub_count` hubs.
        kills: how many.
        seed: decides who is killed and when.
        hub_count: hubs that may be activated; each is once.
        restart: lets the database crash and come back; None: it has no server.
    """
    random, done = Random(seed), Withstood()
    bad_days = _bad_days(world, random)
    with Killed(world) as processes:
        urls = [partial(processes.url, number) for number in range(GATEWAYS)]
        with under_load(world, urls, _AT_ONCE, hub_count):
            for number in range(kills):
                next(bad_days)
                done.bad_days += 1
                if number % _ROUND == _ROUND // 5:
                    processes.stop(processes.choose(random))
                    done.stops += 1
                if restart is not None and number % _ROUND == _ROUND - 1:
                    restart()
                    done.restarts += 1
                victim = processes.choose(random)
                time.sleep(random.uniform(0.0, 1.0))
                processes.kill(victim)
                done.kills += 1
                processes.go_on()
            processes.go_on(wait=True)
            bad_days.close()
        world.wait_until_delivered(150)
        processes.end()
    compare(world.ledger, world.store, world.receivers, most_sends=1 + done.kills + done.stops + done.restarts)
    done.acknowledged = len(world.ledger.acknowledged)
    return done


def _bad_days(world: FaultWorld, random: Random) -> Generator[None]:
    """Give another receiver a bad day with each step, of all kinds in turn, and the one before it a good one."""
    kinds: list[str] = []
    receiver: Receiver | None = None
    try:
        while True:
            kinds = kinds or random.sample(BAD_DAYS, len(BAD_DAYS))
            _have_a_good_day(receiver)
            receiver = random.choice(list(world.receivers.values()))
            receiver.mode = kinds.pop()
            yield
    finally:
        _have_a_good_day(receiver)


def _have_a_good_day(receiver: Receiver | None) -> None:
    if receiver is not None:
        receiver.mode = OK
        hanging, receiver.release = receiver.release, Event()
        hanging.set()


@contextmanager
def killable(kind: str, folder: Path, hub_count: int) -> Iterator[tuple[FaultWorld, Callable[[], None] | None]]:
    """An installation on this kind of database, and what restarts its server, which is its own."""
    if kind == "postgresql":
        with lone_server() as server:
            url = server.url.replace("+psycopg", "")
            with opened(url) as store:
                store.migrate()

            def restart() -> None:
                server.crash()
                server.start()

            with fault_world(url, folder, hub_count=hub_count) as world:
                yield world, restart
    else:
        with fresh_database(kind, folder) as url, fault_world(url, folder, hub_count=hub_count) as world:
            yield world, None
