"""What each refusal costs over a socket: the gateway's processor time, as a multiple of a good request's.

    python -m benchmarks.wire

The cases are those of the wire tests, which hold them to a limit; each is sent three times to one gateway's process,
and the least counts (what else the process does can only add). Needs the extra `test`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.arguments import numbers
from tests.wire.scene import scene
from tests.wire.test_wire import CASES

TIMES = 3


def main(times: int = TIMES) -> None:
    """Print what good requests cost, and of each door the dearest refusals."""
    with tempfile.TemporaryDirectory() as directory, scene(Path(directory)) as made:
        for door, seconds in made.usual.items():
            print(f"a good request to {door}: {seconds * 1000:.1f} ms")
        print(f"a good 11.5 of 256 kB: {made.usual_large * 1000:.1f} ms")
        costs = [(min(made.send(one.door, one.sent(made)).seconds for _ in range(times)), one) for one in CASES]
        for large in (False, True):
            print(f"\nbeside {'a good 11.5 of 256 kB' if large else 'a good request of the door'}:")
            for door in made.usual:
                of_door = [(cost, one) for cost, one in costs if (one.door, one.beside_large) == (door, large)]
                good = made.usual_large if large else made.usual[door]
                for cost, one in sorted(of_door, key=lambda found: found[0])[-5:]:
                    print(f"{cost / good:7.2f} times {cost * 1000:7.1f} ms  {one.id}")
        print(f"\nthe most memory of the process: {made.most_memory() / 1024**2:.0f} MiB")


if __name__ == "__main__":
    main(*numbers(times=1))
