"""Processes of the gateway killed at random under load, as often as one likes, and everything compared afterwards.

    python -m benchmarks.kills [KILLS] [SEED] [DATABASE]

`DATABASE` is sqlite or postgresql; both without it. Every hundred kills it begins with a new installation and the next
seed. Meanwhile processes are stopped, PostgreSQL crashes, and receivers have bad days. It ends at the first
installation that does not agree with what its client acknowledged and its receivers got. Needs the extra `test`.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from benchmarks.arguments import numbers
from tests.support.killing import kill_at_random, killable

_A_TIME = 100
_HUBS = 30_000


def main(kills: int = 1000, seed: int = 1, *databases: str) -> int:
    """Do it, and print what was withstood; return the exit code."""
    for database in databases or ("sqlite", "postgresql"):
        began, done = perf_counter(), Counter[str]()
        while done["kills"] < kills:
            count = min(_A_TIME, kills - done["kills"])
            with (
                tempfile.TemporaryDirectory() as folder,
                killable(database, Path(folder), _HUBS) as (world, restart),
            ):
                done += Counter(asdict(kill_at_random(world, count, seed + done["kills"], _HUBS, restart)))
            seconds = perf_counter() - began
            print(
                f"{database}: {done['kills']} kills, {done['stops']} processes stopped beyond their leases, "
                f"{done['restarts']} crashes of the database, {done['bad_days']} bad days of receivers; "
                f"{done['acknowledged']:,} messages acknowledged, all kept; {seconds:.0f} s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(*numbers(kills=1, seed=0), *sys.argv[3:]))
