"""The numbers that a benchmark is given: fewer than its figures need are refused before anything is made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def at_least(least: float) -> Callable[[str], float]:
    """Return what reads a number of an argument: a whole one, unless the least is a fraction."""

    def read(text: str) -> float:
        kind = type(least)
        try:
            number = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not number >= least:
            raise argparse.ArgumentTypeError(f"{text} is too small: at least {least}")
        return number

    return read


def numbers(**least: float) -> list[Any]:
    """Return the numbers that the program is given, in this order; what is left out is the benchmark's own to choose.

    Args:
        least: each number's name, and the least that it can be; other words may follow the last.

    Raises:
        SystemExit: one is too small, or no number; the text says which.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{Path(sys.argv[0]).stem}")
    for name, few in least.items():
        parser.add_argument(name.upper(), nargs="?", type=at_least(few))
    given = parser.parse_args(sys.argv[1 : 1 + len(least)])
    return [number for name in least if (number := getattr(given, name.upper())) is not None]
