"""Recipients for deliveries: real HTTP servers on ports of their own, with every kind of bad day."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

OK = "ok"
HANG = "hang"  # answers nothing until `release` or the end
DROP = "drop"  # closes without an answer
RESET = "reset"  # closes with a TCP reset
GARBAGE = "garbage"  # answers something that is no HTTP
DRIP = "drip"  # sends the header of its answer a byte at a time
INTERIM = "interim"  # says that it works on it, and closes
OK_DRIP = "ok-drip"  # 200, and then a body that never ends, a byte at a time
OK_HUGE = "ok-huge"  # 200, and then a body without end, as fast as it goes
# Anything else is a status: "500", "404", "429 Retry-After: 7", "302 Location: http://127.0.0.1/".


@dataclass(frozen=True)
class Arrival:
    """One request as it came in, and whether it was answered with 2xx."""

    path: str
    headers: dict[str, str]
    body: bytes
    accepted: bool


class Receiver:
    """One recipient. `mode` may be changed at any time, or be a function of the body.

    `tls` is a file with its key and certificate; `clients` has the authorities of which it asks for a certificate.
    """

    def __init__(
        self,
        mode: str | Callable[[bytes], str] = OK,
        port: int = 0,
        tls: Path | None = None,
        clients: Path | None = None,
    ) -> None:
        self.mode = mode
        self.release = threading.Event()
        self.arrivals: list[Arrival] = []
        self.busiest = 0  # the most requests that were open at once
        self.connections = 0
        self._open = 0
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", port or free_port()), _handler(self))
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            if clients is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            self._server.tls = context
        self.port: int = self._server.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/receive"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and cut every connection; a new `Receiver` may take the same port."""
        self.release.set()
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that listens, which else looks up rarely
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        with self._changed:
            sockets = list(self._sockets)
        for one in sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        with self._changed:
            assert self._changed.wait_for(lambda: not self._sockets, 15)

    @property
    def accepted(self) -> list[bytes]:
        """The bodies that were answered with 2xx, in the order of their coming."""
        with self._changed:
            return [arrival.body for arrival in self.arrivals if arrival.accepted]

    def wait_for(self, count: int, timeout: float = 30.0) -> list[bytes]:
        """Wait until this many have been accepted and return them."""
        self.wait_until(lambda: sum(arrival.accepted for arrival in self.arrivals) >= count, timeout)
        return self.accepted

    def wait_for_arrivals(self, count: int, timeout: float = 30.0) -> None:
        """Wait until this many requests have come, accepted or not."""
        self.wait_until(lambda: len(self.arrivals) >= count, timeout)

    def wait_until(self, condition: Callable[[], bool], timeout: float = 30.0) -> None:
        """Wait for something that the arrivals decide."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout), f"{len(self.arrivals)} arrived in {timeout} s"

    @contextlib.contextmanager
    def connection(self, one: socket.socket) -> Iterator[None]:
        """Know of a connection while it lasts."""
        with self._changed:
            self._sockets.add(one)
            self.connections += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._sockets.discard(one)
                self._changed.notify_all()

    @contextlib.contextmanager
    def request(self, arrival: Arrival) -> Iterator[None]:
        """Know of a request while it is being answered."""
        with self._changed:
            self.arrivals.append(arrival)
            self._open += 1
            self.busiest = max(self.busiest, self._open)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no news in these tests."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self) -> None:
            with receiver.connection(self.connection):
                super().handle()

        def log_message(self, *_: Any, **__: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the sender died on the way
                self.close_connection = True
                return
            mode = receiver.mode(body) if callable(receiver.mode) else receiver.mode
            accepted = mode.startswith((OK, "2"))
            with receiver.request(Arrival(self.path, dict(self.headers.items()), body, accepted)):
                self._answer(mode)

        def _answer(self, mode: str) -> None:
            answers: dict[str, Callable[[], None]] = {
                OK: lambda: self._write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                HANG: self._hang,
                DROP: self._end,
                RESET: self._reset,
                GARBAGE: lambda: self._end(b"\x00\x01 what is this\r\n\r\n" * 20),
                INTERIM: lambda: self._end(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"),
                DRIP: lambda: self._drip(b"HTTP/1.1 200 OK\r\n" + b"X-Patience: yes\r\n" * 1000),
                OK_DRIP: self._ok_drip,
                OK_HUGE: self._ok_huge,
            }
            answers.get(mode, lambda: self._status(mode))()

        def _write(self, content: bytes) -> None:
            self.wfile.write(content)

        def _end(self, content: bytes = b"") -> None:
            self.close_connection = True
            self.wfile.write(content)

        def _status(self, mode: str) -> None:
            status, _, header = mode.partition(" ")
            line = f"{header}\r\n" if header else ""
            text = f"this is {status}\r\nand \x1b[31mmore"
            self._write(f"HTTP/1.1 {status} x\r\n{line}Content-Length: {len(text)}\r\n\r\n{text}".encode())

        def _hang(self) -> None:
            receiver.release.wait(60)
            self._end()

        def _reset(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def _drip(self, content: bytes) -> None:
            self.close_connection = True
            for position in range(len(content)):
                if receiver.release.wait(0.05):
                    return
                self.connection.sendall(content[position : position + 1])

        def _ok_drip(self) -> None:
            self._write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            self._drip(b"x" * 1000)

        def _ok_huge(self) -> None:
            self.close_connection = True
            self._write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            while not receiver.release.is_set():
                self.connection.sendall(chunk)

    return Handler
