"""How long nothing is taken in when PostgreSQL's primary is lost: `python -m benchmarks.failover [--least]`.

Two servers on this machine, the second a synchronous standby; a gateway whose URL names both; four connections send 8.2
all the time. The primary is killed, the standby promoted at once, and the longest pause between two acknowledgements is
what the gateway adds to the time that a manager of the pair needs to notice. Needs the extra `test`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

from tests.support.cluster import cluster
from tests.support.fault_world import fault_world
from tests.support.ledger import Client

_CONNECTIONS = 4
_PAUSE = 0.02


def measured(seconds: float, folder: Path) -> tuple[int, float, float]:
    """Return how many were acknowledged, how long promoting took, and the longest pause in seconds.

    Args:
        seconds: how long there is load before the primary is lost, and after it.
        folder: where the installation may lie.
    """
    acknowledged: list[float] = []
    over = threading.Event()
    with (
        cluster() as pair,
        fault_world(pair.url, folder) as world,
        world.serve() as gateway,
        Client(world.ledger, lambda: gateway.url) as client,
        ThreadPoolExecutor(_CONNECTIONS) as pool,
    ):

        def send() -> None:
            number = 0
            while not over.is_set():
                message = world.read_inventory(number % 100)
                while (answered := client.try_once(message)) is None or answered[0] != 200:
                    sleep(_PAUSE)
                acknowledged.append(monotonic())
                number += 1

        sending = [pool.submit(send) for _ in range(_CONNECTIONS)]
        sleep(seconds)
        began = monotonic()
        pair.fail_over()
        promoted = monotonic() - began
        sleep(seconds)
        over.set()
        for one in sending:
            one.result()
    times = sorted(acknowledged)
    return len(times), promoted, max(after - before for before, after in pairwise(times))


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failover", description=__doc__.splitlines()[0])
    parser.add_argument("--least", action="store_true", help="see whether it runs; the figures mean nothing")
    seconds = 1.0 if parser.parse_args(words).least else 15.0
    with tempfile.TemporaryDirectory() as folder:
        count, promoted, pause = measured(seconds, Path(folder))
    print(f"{count} acknowledged; promoting took {promoted:.1f} s, and for {pause:.1f} s nothing was taken in")
    return 0


if __name__ == "__main__":
    sys.exit(main())
