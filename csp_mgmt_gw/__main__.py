"""`python -m csp_mgmt_gw`: the mock CSP as a process of its own."""

from __future__ import annotations

import sys

from csp_mgmt_gw.mock import PROGRAM, begin
from duis_gateway.sandbox.mocks.start import run

if __name__ == "__main__":
    sys.exit(run(PROGRAM, begin, sys.argv[1:]))
