"""Ports for what a test closes and opens again, or keeps closed.

A port that the system chose (port 0) goes, once it is closed, to whoever asks for any or connects next. These are
below those that systems give away.
"""

from __future__ import annotations

import contextlib
import secrets
import socket

_HIGHEST = 32_000  # Linux gives away 32768 and above, others 49152 and above


def free_port(in_a_row: int = 1) -> int:
    """Return a port that nobody has; the next ones, so many in a row, are free too."""
    while True:
        port = 10_000 + secrets.randbelow(_HIGHEST - 10_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as taken:
            for one in range(port, port + in_a_row):
                taken.enter_context(socket.create_server(("127.0.0.1", one)))
            return port
