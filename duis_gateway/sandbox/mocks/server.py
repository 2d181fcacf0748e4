"""The partner's HTTP server: the kit's own, made able to break a connection to order, and ended by SIGTERM."""

from __future__ import annotations

import signal
import socket
import struct
import sys
import threading
from typing import Any, NoReturn

from duis_gateway.client.server import CONNECTION, Application, Serving
from duis_gateway.machine.signals import ORDERS, TIME_OVER, ignore_all_but_the_end

_NO_LINGER = struct.pack("ii", 1, 0)


def close_connection(environ: dict[str, Any], *, reset: bool) -> NoReturn:
    """End the connection that this request came by without any answer, orderly or with a TCP reset."""
    connection: socket.socket = environ[CONNECTION]
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    # The server's own end would say goodbye in an orderly way; without its descriptor it has nothing to say it by.
    socket.close(connection.detach())
    raise ConnectionAbortedError


class Listener:
    """A mock's listener: made listening, then run until it is closed."""

    def __init__(self, application: Application, listen: str) -> None:
        """Listen at HOST:PORT; port 0 is one that is free (SetupWrong, ValueError: the address cannot be used)."""
        host, _, port = listen.rpartition(":")
        self._serving = Serving(application, host.strip("[]"), int(port))
        self.url = self._serving.url

    def close(self) -> None:
        """Take no more connections."""
        self._serving.close()


def serve(application: Application, listen: str, stop: threading.Event) -> int:
    """Serve until a signal that ends a process, and return the exit code; other signals do nothing.

    It says `listening on http://HOST:PORT` on standard output.
    """
    for number in (*ORDERS, *TIME_OVER):
        signal.signal(number, lambda *_: stop.set())
    ignore_all_but_the_end()
    listener = Listener(application, listen)
    sys.stdout.write(f"listening on {listener.url}\n")
    sys.stdout.flush()
    stop.wait()
    listener.close()
    return 0
