"""The HTTP servers: one for the public doors, one for operations, each with a loop and worker threads of its own.

So a public listener that is overwhelmed does not take the health checks with it (F30). The loop has every connection
and reads requests whole; workers answer them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Protocol

from duis_gateway.doors.connections import Connection
from duis_gateway.doors.floor import Floor
from duis_gateway.doors.http import Application
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.tls import Tls
from duis_gateway.doors.workers import Workers

_LOOK = 0.25  # seconds between looks at the time
_WAITING = 512  # connections that the system keeps for us until they are accepted
_SENDING = 128 * 1024  # bytes that the system takes for a client that does not read; by itself it would take megabytes
_AT_ONCE = 64  # connections accepted before others are served again
_NO_DESCRIPTOR = 0.1  # seconds until the next try where nothing can be accepted
_SAY_AGAIN = 60.0  # seconds between lines of the log about that
_AFTER_ALL = 0.5  # seconds that workers have to end in, after all
_log = logging.getLogger(__name__)


class Secured(Protocol):
    """What a listener speaks TLS with."""

    @property
    def binds(self) -> bool:
        """Whether senders must belong to the organisation of their client certificate."""

    def context(self) -> ssl.SSLContext:
        """Return what the next connection begins with."""


class Server:
    """One listener, of TLS where it is `secured`. `port` 0 means a free one, known once the server is made.

    Its address is its own from then on, and nobody can connect before `listen` or `start`.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(
        self,
        app: Application,
        host: str,
        port: int,
        threads: int = 8,
        limits: ServerLimits | None = None,
        secured: Secured | None = None,
    ) -> None:
        self._limits = limits or ServerLimits()
        self._secured = secured
        self._scheme = "http" if secured is None else "https"
        self._socket = _bound(host, port)
        self.host, self.port = self._socket.getsockname()[:2]
        self._workers = Workers(threads, f"http-{self.port}")
        self._large_workers = Workers(self._limits.large_threads, f"http-{self.port}-large")
        self._apart_workers = Workers(self._limits.apart_threads, f"http-{self.port}-apart")
        self._every_worker = (self._workers, self._large_workers, self._apart_workers)
        self._loop = asyncio.new_event_loop()
        self._floor = Floor(app, self._limits, *self._every_worker, self._loop)
        self._stop = asyncio.Event()
        self._accepting: set[asyncio.Task[object]] = set()
        self._said = -_SAY_AGAIN
        self._thread = threading.Thread(target=self._run, name=f"http-{self.port}", daemon=True)
        self.broken = False  # whether it ended without being told to
        self.on_break: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self._scheme}://{host}:{self.port}"

    def listen(self) -> None:
        """Let callers connect; they wait for their answers until `start` (OSError: somebody else listens by now)."""
        self._socket.listen(_WAITING)

    def start(self) -> None:
        """Answer requests, in threads of the server's own (OSError as `listen`)."""
        self.listen()
        for workers in self._every_worker:
            workers.start()
        self._thread.start()

    def begin_to_stop(self) -> None:
        """Accept nothing more, and end once what is in hand is answered; returns at once."""
        self._floor.tell(self._stop.set)

    def stop(self, deadline: float | None = None) -> bool:
        """Stop, and return when it is done: in less than 10 seconds, or at the deadline (F24).

        Returns whether it has ended, with all workers. The deadline is on the monotonic clock.
        """
        self.begin_to_stop()
        if self._thread.ident is None:
            self._socket.close()
            self._loop.close()
            return True
        self._thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not (self._thread.is_alive() or any(workers.alive for workers in self._every_worker))

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except BaseException:
            # Its loop is gone, and with it every connection: nobody listens here until the process is started anew.
            self.broken = True
            self._socket.close()
            self.on_break()
            _log.exception("the listener %s failed", self.url, extra={"event": "defect"})

    async def _serve(self) -> None:
        self._loop.add_reader(self._socket, self._accept)
        while not self._stop.is_set():
            try:
                await self._look()
            except Exception:
                _log.exception("a check of the connections failed", extra={"event": "defect"})
        self._loop.remove_reader(self._socket)
        self._socket.close()
        await self._drain()

    async def _look(self) -> None:
        """Wait for the order to stop, or until it is time to look at the connections' time; and look."""
        try:
            await asyncio.wait_for(self._stop.wait(), _LOOK)
        except TimeoutError:
            self._keep_time()

    def _keep_time(self) -> None:
        now = time.monotonic()
        for connection in self._floor.crowd:
            connection.keep_time(now)

    async def _drain(self) -> None:
        self._floor.stopping = True
        deadline = time.monotonic() + self._limits.stopping_time
        while self._close_idle() and time.monotonic() < deadline:
            self._keep_time()
            await asyncio.sleep(_LOOK / 10)
        for connection in self._floor.crowd:
            connection.abort()
        await asyncio.sleep(0)  # connections are told of their end in the loop's next turn
        await asyncio.sleep(0)
        over = time.monotonic() + _AFTER_ALL
        for workers in self._every_worker:
            workers.end()
        for workers in self._every_worker:
            workers.join(over)

    def _close_idle(self) -> bool:
        """Close the connections on which nothing happens; return whether any other is left."""
        for connection in self._floor.crowd:
            if connection.is_idle():
                connection.abort()
        return len(self._floor.crowd) > 0

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._cannot_accept(error)
                return
            self._take_in(accepted, address[0])

    def _take_in(self, accepted: socket.socket, address: str) -> None:
        accepted.setblocking(False)
        if _has_gone(accepted):
            accepted.close()
            return
        crowd = self._floor.crowd
        if not (crowd.has_room(address) or self._floor.make_room(address)):
            accepted.close()
            return
        connection = Connection(self._floor, address, self._scheme)
        crowd.add(connection, address)
        protocol = self._protocol(connection)
        task = self._loop.create_task(self._loop.connect_accepted_socket(lambda: protocol, accepted))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    def _protocol(self, connection: Connection) -> asyncio.Protocol | asyncio.BufferedProtocol:
        if self._secured is None:
            return connection
        return Tls(self._secured.context(), connection, binds=self._secured.binds)

    def _cannot_accept(self, error: OSError) -> None:
        """Run out of descriptors and go on: somebody idle goes, and who waits is accepted in the next turn."""
        now = time.monotonic()
        if now > self._said + _SAY_AGAIN:
            self._said = now
            _log.warning("connections cannot be accepted: %s", error, extra={"event": "cannot-accept"})
        if not self._floor.make_room():
            self._loop.remove_reader(self._socket)
            self._loop.call_later(_NO_DESCRIPTOR, self._accept_again)

    def _accept_again(self) -> None:
        if not self._stop.is_set():
            self._loop.add_reader(self._socket, self._accept)


def _has_gone(accepted: socket.socket) -> bool:
    """Whether who connected has said nothing and ended: many may, and to set up a connection is dear."""
    try:
        return not accepted.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENDING)
        bound.bind(address)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound
