"""POST of a message to a recipient's URL: guarded, bounded in time and size, over kept connections.

- The address is resolved once, checked, and connected to (T61); redirects are not followed (T62).
- At most `reply_limit` octets of the reply are read, and none of them is believed (T63).
- TLS is always verified (T64).
- Connecting, and the whole attempt, have deadlines that hold for a dripping peer too (F14, F17).
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from duis_gateway.outbox.guard import AddressGuard, AddressRefused, Network, Target, parse_url
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.outbox.watchdog import Attempt, Watchdog
from duis_gateway.text.controls import one_line

_MOST_POOLS = 1024
_DRAIN_SECONDS = 1.0
_EXCERPT = 160
_EVERYTHING_NETWORK = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)


@dataclass(frozen=True)
class TransportSettings:
    """The `[delivery]` settings that concern one attempt; times in seconds, `reply_limit` in octets."""

    connect_timeout: float = 5.0
    total_timeout: float = 10.0
    reply_limit: int = 64 * 1024
    connections: int = 4
    ca_file: Path | None = None
    allowed_networks: Sequence[Network] = ()
    user_agent: str = "duis-gateway"


class _Current(threading.local):
    attempt: Attempt | None = None


_CURRENT = _Current()


def _guarded_socket(guard: AddressGuard, host: str, port: int, connect_timeout: float) -> socket.socket:
    """Connect to the first of the host's allowed addresses that answers, within the attempt's deadline.

    The look-up of a name itself has the resolver's time limits alone: it holds this one thread, no other.
    """
    attempt = _CURRENT.attempt
    endpoints = guard.endpoints(host.strip("[]"), port)
    failure: OSError = OSError("no address")
    for family, address in endpoints:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(min(connect_timeout, attempt.remaining) if attempt else connect_timeout)
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            failure = error
            if attempt is not None and attempt.overdue:
                break
    raise failure


class _PlainConnection(HTTPConnection):
    """A connection that the guard let pass and that the watchdog can cut."""

    def __init__(self, *args: Any, guard: AddressGuard, connect_timeout: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._guard = guard
        self._connect_timeout = connect_timeout

    def _new_conn(self) -> socket.socket:
        connection = _guarded_socket(self._guard, self.host, self.port, self._connect_timeout)
        _watch(connection)
        return connection

    def request(self, *args: Any, **options: Any) -> None:
        _watch(self.sock)
        super().request(*args, **options)


class _TlsConnection(HTTPSConnection):
    """The same under TLS."""

    def __init__(self, *args: Any, guard: AddressGuard, connect_timeout: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._guard = guard
        self._connect_timeout = connect_timeout

    def _new_conn(self) -> socket.socket:
        connection = _guarded_socket(self._guard, self.host, self.port, self._connect_timeout)
        # The handshake moves the connection into another socket object that nobody sees before it is done;
        # a duplicate lets the watchdog end a handshake that drips.
        if _CURRENT.attempt is not None:
            _CURRENT.attempt.use(connection.dup(), owned=True)
        return connection

    def request(self, *args: Any, **options: Any) -> None:
        _watch(self.sock)
        super().request(*args, **options)


def _watch(connection: socket.socket | None) -> None:
    if _CURRENT.attempt is not None and connection is not None:
        _CURRENT.attempt.use(connection)


class HttpTransport:
    """Posts messages; one pool of kept connections for each URL. Safe to use from many threads."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._guard = AddressGuard(settings.allowed_networks)
        self._tls = ssl.create_default_context(cafile=settings.ca_file and str(settings.ca_file))
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._pools: OrderedDict[str, tuple[urllib3.HTTPConnectionPool, Target]] = OrderedDict()
        self._pools_lock = threading.Lock()
        self._watchdog = Watchdog()
        self._aborted = False

    @property
    def total_timeout(self) -> float:
        """How many seconds one attempt may take in all."""
        return self._settings.total_timeout

    def post(self, url: str, content: bytes, content_type: str) -> Failure | None:
        """Send one message and return None where the answer was 2xx, else what was wrong.

        A 2xx counts as soon as its status line and header are in, whatever becomes of the reply's body.
        """
        try:
            pool, target = self._pool(url)
        except AddressRefused as error:
            return Failure(FailureKind.ADDRESS, str(error))
        with self._attempt() as attempt:
            try:
                return self._exchange(pool, target, content, content_type, attempt)
            except AddressRefused as error:
                return Failure(FailureKind.ADDRESS, str(error))
            except _EVERYTHING_NETWORK as error:
                return self._failure(error, attempt)

    def abort(self) -> None:
        """End every attempt that is going on, as interrupted; what comes later is still tried."""
        self._aborted = True
        self._watchdog.cut_all()

    def close(self) -> None:
        """End every attempt and close every connection."""
        self._aborted = True
        self._watchdog.close()
        with self._pools_lock:
            for pool, _ in self._pools.values():
                pool.close()
            self._pools.clear()

    @contextlib.contextmanager
    def _attempt(self) -> Iterator[Attempt]:
        attempt = _CURRENT.attempt = self._watchdog.start(self._settings.total_timeout)
        try:
            yield attempt
        finally:
            _CURRENT.attempt = None
            self._watchdog.finish(attempt)

    def _pool(self, url: str) -> tuple[urllib3.HTTPConnectionPool, Target]:
        with self._pools_lock:
            if url in self._pools:
                self._pools.move_to_end(url)
                return self._pools[url]
            target = parse_url(url)
            self._pools[url] = (self._make_pool(target), target)
            if len(self._pools) > _MOST_POOLS:
                self._pools.popitem(last=False)[1][0].close()
            return self._pools[url]

    def _make_pool(self, target: Target) -> urllib3.HTTPConnectionPool:
        options: dict[str, Any] = {
            "maxsize": self._settings.connections,
            "guard": self._guard,
            "connect_timeout": self._settings.connect_timeout,
        }
        if target.scheme == "http":
            plain = urllib3.HTTPConnectionPool(target.host, target.port, **options)
            plain.ConnectionCls = _PlainConnection
            return plain
        secure = urllib3.HTTPSConnectionPool(target.host, target.port, ssl_context=self._tls, **options)
        secure.ConnectionCls = _TlsConnection
        return secure

    def _exchange(
        self, pool: urllib3.HTTPConnectionPool, target: Target, content: bytes, content_type: str, attempt: Attempt
    ) -> Failure | None:
        limit = self._settings.total_timeout
        response = pool.urlopen(
            "POST",
            target.path,
            body=content,
            headers={"Content-Type": content_type, "User-Agent": self._settings.user_agent},
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=min(self._settings.connect_timeout, limit), read=limit),
            preload_content=False,
            decode_content=False,
            assert_same_host=False,
        )
        if attempt.overdue:
            # The cut ended the header, and what there was of it would pass for an answer.
            response.close()
            raise TimeoutError("the header of the answer was not complete")
        accepted = 200 <= response.status < 300
        reply = self._drain(response, attempt)
        return None if accepted else _status_failure(response, reply)

    def _drain(self, response: urllib3.BaseHTTPResponse, attempt: Attempt) -> bytes:
        """Read the reply so that the connection can be kept; close it where the reply is long, slow or broken."""
        attempt.deadline = min(attempt.deadline, monotonic() + _DRAIN_SECONDS)
        reply = b""
        try:
            reply = response.read(self._settings.reply_limit + 1)
        except _EVERYTHING_NETWORK:
            response.close()
        if len(reply) > self._settings.reply_limit or attempt.overdue:
            response.close()
        response.release_conn()
        return reply

    def _failure(self, error: Exception, attempt: Attempt) -> Failure:
        causes = list(_causes(error))
        if attempt.overdue and self._aborted:
            return Failure(FailureKind.INTERRUPTED, "the gateway stopped before the answer came")
        late = attempt.overdue or any(isinstance(c, TimeoutError | urllib3.exceptions.TimeoutError) for c in causes)
        if late:
            return Failure(FailureKind.TIMEOUT, f"no answer within {self._settings.total_timeout:g} s: {causes[-1]}")
        if any(isinstance(cause, ssl.SSLError | urllib3.exceptions.SSLError) for cause in causes):
            return Failure(FailureKind.TLS, _printable(str(causes[-1])))
        return Failure(FailureKind.CONNECTION, _printable(str(causes[-1]) or type(causes[-1]).__name__))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of, the outermost first."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        inner = next((argument for argument in cause.args if isinstance(argument, BaseException)), None)
        cause = inner or cause.__cause__


def _status_failure(response: urllib3.BaseHTTPResponse, reply: bytes) -> Failure:
    excerpt = _printable(reply[: 4 * _EXCERPT].decode("utf-8", "replace"))
    detail = f"HTTP {response.status}: {excerpt}" if excerpt else f"HTTP {response.status}"
    asked = _seconds_asked(response.headers.get("Retry-After"), response.headers.get("Date"))
    return Failure(FailureKind.STATUS, detail, response.status, asked)


def _seconds_asked(retry_after: str | None, date: str | None) -> float | None:
    """Return what `Retry-After` asks for; a date is taken against the answer's own `Date` (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _printable(text: str) -> str:
    return one_line(text)[:_EXCERPT]
