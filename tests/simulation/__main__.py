"""Play seeds of the simulation: `python -m tests.simulation 4711` shows what happens in one, `1-20000` plays them all.

A line says which seeds fail, and why; such a seed played alone shows all that led there.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from multiprocessing import Pool

from tests.simulation.run import run

_OFTEN = 500


def failed(seed: int) -> tuple[int, str | None]:
    """Play a seed; return it with what was wrong, or None."""
    try:
        run(seed)
    except Exception as error:
        return seed, f"{type(error).__name__}: {str(error)[:500]}"
    return seed, None


def main() -> int:
    """Play what the command line names; return the exit code."""
    logging.disable()
    first, _, last = sys.argv[1].partition("-")
    if not last:
        say("\n".join(run(int(first))))
        return 0
    began, wrong, number = time.monotonic(), 0, 0
    with Pool(os.cpu_count()) as pool:
        for number, (seed, fault) in enumerate(pool.imap_unordered(failed, range(int(first), int(last) + 1), 10), 1):
            if fault is not None:
                wrong += 1
                say(f"seed {seed}: {fault}")
            if not number % _OFTEN:
                say(f"{number} seeds, {wrong} failed, {time.monotonic() - began:.0f} s")
    say(f"{number} seeds, {wrong} failed, {time.monotonic() - began:.0f} s")
    return int(wrong > 0)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
