"""The partner's HTTP server: waitress, made able to break a connection to order, and ended by SIGTERM."""

from __future__ import annotations

import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, NoReturn

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import create_server
from waitress.task import WSGITask

from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.machine.signals import ignore_all_but_the_end

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
SOCKET = "duis_gateway.sandbox.mocks.socket"
_THREADS = 16
_NO_LINGER = struct.pack("ii", 1, 0)


def _channel(*args: Any, **named: Any) -> Any:
    """Return a connection whose requests carry their socket, so that the application may break it."""
    channel = HTTPChannel(*args, **named)
    channel.task_class = _task
    return channel


def _task(channel: Any, request: Any) -> Any:
    task = WSGITask(channel, request)
    task.get_environment()[SOCKET] = channel.socket
    return task


def close_connection(environ: dict[str, Any], *, reset: bool) -> NoReturn:
    """End the connection that this request came by without any answer, orderly or with a TCP reset."""
    if reset:
        connection: socket.socket = environ[SOCKET]
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    raise ClientDisconnected


def serve(application: Application, listen: str, stop: threading.Event) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code; other signals do nothing.

    It says `listening on http://HOST:PORT` on standard output.
    """
    server = create_server(
        application,
        listen=listen,
        threads=_THREADS,
        ident=None,
        max_request_body_size=ShapeLimits().size,
        clear_untrusted_proxy_headers=True,
    )
    server.channel_class = _channel

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    ignore_all_but_the_end()
    sys.stdout.write(f"listening on http://{server.effective_host}:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()
    server.close()
    return 0
