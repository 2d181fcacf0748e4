"""Connections of the HTTP server: what waitress's channels lack for hostile and for unlucky clients.

- A request that does not arrive in time gets 408 and its connection is closed (slow header, slow body; T52).
- Refusals have the form of the door, not waitress's plain text.
- After a refusal what the client still sends is read and thrown away for a while, since closing at once would
  reset the connection and often lose the answer (RFC 9112, section 9.6).
- While the server stops, answers say `Connection: close`, and idle connections are closed (F24).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from duis_gateway.doors.http import status_line
from duis_gateway.doors.http_parser import StrictParser
from duis_gateway.doors.wire import Answer
from duis_gateway.errors import (
    CodingNotSupported,
    HeaderTooLarge,
    HttpRefused,
    LengthMissing,
    MessageRefused,
    OurDefect,
    TooLarge,
    TooSlow,
)

Refuse = Callable[[MessageRefused, str, str], Answer]
"""Makes the answer to a request that the server itself refuses: of the error, the path (if known) and the peer."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What the HTTP server allows. Times are in seconds, sizes in bytes.

    `header_time` and `body_time` count from the first byte of a request; `idle_time` is for a connection between
    requests, and for a client that does not take its answer; `lingering_time` is for reading on after a refusal;
    `stopping_time` is what requests in hand have once the server stops (with it, all is over in less than 10 s, F24).
    """

    body: int = 8 * 1024 * 1024
    header: int = 16 * 1024
    header_time: float = 10.0
    body_time: float = 30.0
    idle_time: float = 60.0
    lingering_time: float = 2.0
    stopping_time: float = 7.5
    connections: int = 1000


_REFUSED: dict[int, tuple[type[MessageRefused], str]] = {
    400: (HttpRefused, "the HTTP request is malformed, or can be read in two ways"),
    408: (TooSlow, "the request did not arrive in time"),
    411: (LengthMissing, "a request with a body needs a Content-Length, or a chunked body"),
    413: (TooLarge, "the body is over the limit"),
    431: (HeaderTooLarge, "the header is over the limit"),
    501: (CodingNotSupported, "the only transfer coding supported is chunked"),
}


class Timeout(Error):
    """waitress's form of a request that is too slow."""

    code = 408
    reason = "Request Timeout"


class RefusalTask(ErrorTask):
    """Answers what the server refuses; nothing of the request is echoed."""

    def execute(self) -> None:
        """Write the answer, and have the connection closed."""
        kind, detail = _REFUSED.get(self.request.error.code, (OurDefect, "The cause is in the gateway's log."))
        peer = self.channel.addr[0]
        answer = self.channel.server.refuse(kind(detail), getattr(self.request, "path", ""), peer)
        self.status = status_line(answer.status)
        self.response_headers.append(("Content-Type", answer.content_type))
        self.response_headers.extend(answer.headers)
        self.set_close_on_finish()
        self.content_length = len(answer.body)
        self.channel.lingers = True
        self.write(answer.body)


class AnswerTask(WSGITask):
    """Runs the application."""

    def execute(self) -> None:
        """Call the application; while the server stops, the answer is the connection's last."""
        if self.channel.server.stopping:
            self.set_close_on_finish()
        super().execute()


class Connection(HTTPChannel):
    """One connection of a client."""

    task_class = AnswerTask
    error_task_class = RefusalTask
    parser_class = StrictParser

    close_when_flushed: bool
    connected: bool
    will_close: bool
    request: Any
    requests: list[Any]
    total_outbufs_len: int
    last_activity: float

    lingers = False
    lingering_since: float | None = None
    answered_at = 0.0

    def handle_write(self) -> None:
        """Send what there is to send; where the connection lingers, close only the sending half after it."""
        closing = self.close_when_flushed and self.lingers
        if closing:
            self.close_when_flushed = False
        super().handle_write()
        if closing and self.connected and not self.will_close:
            if self.total_outbufs_len:
                self.close_when_flushed = True
            else:
                self._linger()

    def _linger(self) -> None:
        self.lingering_since = time.monotonic()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.will_close = True

    def received(self, data: bytes) -> bool:
        """Take bytes in; after a refusal they are thrown away."""
        if self.lingering_since is not None:
            return False
        return bool(super().received(data))

    def service(self) -> None:
        """Answer one request, in a worker thread."""
        super().service()
        self.answered_at = time.monotonic()

    def is_idle(self) -> bool:
        """Whether nothing of a request is being read, worked on or answered."""
        return not (self.requests or self.request is not None or self.total_outbufs_len)

    def keep_time(self, now: float, limits: ServerLimits) -> None:
        """Close or refuse what takes too long; `now` is monotonic. Called between the turns of the server's loop."""
        quiet = time.time() - self.last_activity > limits.idle_time
        if self.lingering_since is not None:
            if now - self.lingering_since > limits.lingering_time:
                self.handle_close()
        elif self.total_outbufs_len or self.is_idle():
            # Where it has an answer to take and does not, a worker may be waiting for it.
            if quiet:
                self.handle_close()
        elif not self.requests and self.request is not None:
            allowed = limits.body_time if self.request.headers_finished else limits.header_time
            if now - max(self.request.started, self.answered_at) > allowed:
                self._refuse_slow()

    def _refuse_slow(self) -> None:
        with self.requests_lock:
            slow, self.request = self.request, None
            if slow.body_rcv is None:
                slow.parse_header(b"GET / HTTP/1.0\r\n")
            slow.error = Timeout("")
            slow.completed = True
            self.requests.append(slow)
            self.server.add_task(self)


class Listener(TcpWSGIServer):
    """The listening socket, and the clock of its connections."""

    channel_class = Connection

    def __init__(self, app: Any, refuse: Refuse, limits: ServerLimits, **options: Any) -> None:
        self.refuse = refuse
        self.limits = limits
        self.stopping = False
        super().__init__(app, **options)

    def maintenance(self, now: float) -> None:
        """Do nothing: `keep_time` does, and closes also what cannot be written to."""

    def keep_time(self) -> None:
        """Look after every connection."""
        now = time.monotonic()
        for connection in list(self.active_channels.values()):
            connection.keep_time(now, self.limits)

    def stop_accepting(self) -> None:
        """Close the listening socket; connections go on."""
        self.stopping = True
        wasyncore.dispatcher.close(self)

    def close_idle(self) -> bool:
        """Close the connections on which nothing happens; return whether any other is left."""
        for connection in list(self.active_channels.values()):
            if connection.is_idle():
                connection.handle_close()
        return bool(self.active_channels)
