"""Kill gateways and deliverers at random under load, and see that nothing is lost, doubled or out of order.

    python -m benchmarks.kills [KILLS] [SEED] [DATABASE]

Two gateways and two deliverers; a hundred kills, then a new installation, until all are done. Fails at the first
installation that does not agree with what its client acknowledged and its receivers got. Needs the extra `test`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter

from tests.support.databases import fresh_database
from tests.support.fault_world import fault_world
from tests.support.killing import kill_at_random

_A_TIME = 100
_HUBS = 30_000


def main(kills: str = "1000", seed: str = "1", *databases: str) -> int:
    """Do it, and print what was withstood; return the exit code."""
    for database in databases or ("sqlite", "postgresql"):
        began, taken, done = perf_counter(), 0, 0
        while done < int(kills):
            count = min(_A_TIME, int(kills) - done)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                with fresh_database(database, folder) as url, fault_world(url, folder, hub_count=_HUBS) as world:
                    taken += kill_at_random(world, count, int(seed) + done, _HUBS)
            done += count
            seconds = perf_counter() - began
            print(f"{database}: {done} kills, {taken} messages acknowledged, all kept, {seconds:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
