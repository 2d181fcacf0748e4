"""The mock DCC enterprise system: sends what it is told to, takes and records what the gateway reports."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from duis_gateway.sandbox.mocks.start import Kit, assemble, common_arguments

PROGRAM = "python -m esi"


def begin(arguments: Sequence[str]) -> tuple[argparse.Namespace, Kit]:
    """Return the arguments as read, and the mock ready to serve.

    Raises:
        GatewayError: a key or certificate cannot be used.
    """
    parser = common_arguments(PROGRAM, "A mock of DCC's enterprise systems, on the ESI.")
    options = parser.parse_args(arguments)
    return options, assemble(options)
