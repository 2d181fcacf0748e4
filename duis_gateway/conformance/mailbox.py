"""The web server on which the pack receives what the gateway sends to the parties that it plays."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    """Accepts as many connections at once as come: the queue of five that it would have is less than the parties."""

    request_queue_size = socket.SOMAXCONN


class Mailbox:
    """Accepts every POST (one path a party) and keeps its body, while the block lasts."""

    def __init__(self, host: str, port: int) -> None:
        self._arrived = threading.Condition()
        self._bodies: list[tuple[str, bytes]] = []
        self._server = _Server((host, port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                mailbox.take(self.path.strip("/"), body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Say nothing: what arrives is looked at by the clauses."""

        return Handler

    def __enter__(self) -> Mailbox:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, party: str, body: bytes) -> None:
        """Keep what has arrived for a party."""
        with self._arrived:
            self._bodies.append((party, body))
            self._arrived.notify_all()

    @property
    def count(self) -> int:
        """How many bodies have arrived for all parties together."""
        with self._arrived:
            return len(self._bodies)

    def arrived(self, party: str, since: int) -> list[bytes]:
        """Return what has arrived for a party after so many bodies for all."""
        with self._arrived:
            return [body for to, body in self._bodies[since:] if to == party]

    def wait_for(self, party: str, fits: Callable[[bytes], bool], seconds: float, since: int = 0) -> bytes | None:
        """Return the first body for this party that fits, waiting for it so long; None: it has not come.

        The first `since` bodies for all parties together are passed over.
        """

        def found() -> bytes | None:
            return next((body for to, body in self._bodies[since:] if to == party and fits(body)), None)

        with self._arrived:
            self._arrived.wait_for(lambda: found() is not None, seconds)
            return found()
