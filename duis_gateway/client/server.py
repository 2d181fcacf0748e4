"""A small server for a WSGI application, from the standard library: for tests and tools, not for the internet."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

CONNECTION = "duis_gateway.client.connection"
"""Under this name a request's environment has its socket, for an application that has to break it off."""

_SECONDS = 60.0


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False  # a handler that hangs does not hold up the end
    request_queue_size = 128

    def __init__(self, address: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Quiet)

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that went away is no news."""


class _Quiet(WSGIRequestHandler):
    timeout = _SECONDS

    def get_environ(self) -> dict[str, Any]:
        """Return the request's environment, with its socket."""
        return {**super().get_environ(), CONNECTION: self.connection}

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def read_body(environ: dict[str, Any], most: int) -> bytes:
    """Return the body of a request, or its first `most` + 1 octets where it has more."""
    length = environ.get("CONTENT_LENGTH") or ""
    # Without a length only a server that ends the input itself can be read from.
    octets = int(length[:20]) if length.isdecimal() else most * bool(environ.get("wsgi.input_terminated"))
    content: bytes = environ["wsgi.input"].read(min(octets, most + 1))
    return content


class Serving:
    """A server that listens from here on, and no longer than the context lasts."""

    def __init__(self, application: Application, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen there; port 0 is one that is free (OSError: the port is taken)."""
        self._server = _Server((host, port))
        self._server.set_app(application)
        self.port = self._server.server_port
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
