"""`python -m esi`: the mock DCC enterprise system as a process of its own."""

from __future__ import annotations

import sys

from duis_gateway.sandbox.mocks.start import run
from esi.mock import PROGRAM, begin

if __name__ == "__main__":
    sys.exit(run(PROGRAM, begin, sys.argv[1:]))
