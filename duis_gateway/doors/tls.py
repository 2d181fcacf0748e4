"""TLS on a connection: a protocol to the loop's transport, and a transport to the `Connection` above it.

asyncio's own layer sets 256 KiB aside for each connection before it has said a word, and cannot say that it is done
without ceasing to read. This one makes OpenSSL's state when it is the turn of a client that has said something and is
still there, and ends as a plain connection does.

What a client does before the handshake is over costs its own connection, for `handshake_time` seconds at most.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from duis_gateway.errors import HandshakeFailed
from duis_gateway.pki.tls import organisations_of, reason_of

if TYPE_CHECKING:
    from duis_gateway.doors.connections import Connection

_RECORD = 16 * 1024
_UNTAKEN = 1024 * 1024
"""Bytes that may wait for a client that sends: more are OpenSSL's answers to one that only asks for new keys."""
_HANDSHAKE = 64 * 1024
"""Bytes that a client may send until the handshake is over: its certificates are the longest part."""
_PLAIN = re.compile(rb"[A-Z]{3}")


class Tls(asyncio.BufferedProtocol, asyncio.Transport):
    """TLS on one connection. It belongs to the server's loop, like the connection."""

    def __init__(self, context: ssl.SSLContext, connection: Connection, *, binds: bool) -> None:
        super().__init__()
        self._context = context
        self._connection = connection
        self._binds = binds
        self._below: Any = None
        self._deadline: asyncio.TimerHandle | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._secure = False
        self._waits = False
        self._taken = 0
        self._plain = False
        self._over = False

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the connection above is there from now on, and can be ended."""
        self._below = transport
        floor = self._connection.floor
        self._deadline = floor.loop.call_later(floor.limits.handshake_time, self._too_late)
        self._connection.connection_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._over = True
        self._settle()
        self._connection.connection_lost(exc)
        # The two hold each other: nothing would be freed before the collector comes, which is seldom.
        del self._connection, self._incoming, self._outgoing
        self._tls = None

    def get_buffer(self, sizehint: int) -> bytearray:
        """Receive into what all connections of the loop share: it is emptied before the next one has its turn.

        OpenSSL's own memory for a connection never shrinks, and by default a quarter of a megabyte may come at once.
        """
        return self._connection.floor.received

    def buffer_updated(self, nbytes: int) -> None:
        """Take records in; what comes after our last is thrown away."""
        data = bytes(memoryview(self._connection.floor.received)[:nbytes])
        if self._over:
            return
        if not self._taken and _PLAIN.match(data):
            self._refuse_plain()
            return
        self._incoming.write(data)
        self._taken += len(data)
        if self._tls is not None and self._secure:
            self._go_on(self._tls)
        else:
            self._wait_for_turn()

    def eof_received(self) -> bool:
        """Close, unless there is something to answer."""
        if self._waits and self._tls is not None and not self._over:
            # Who has heard from us may have said the rest of the handshake, a request and good-bye in one breath.
            self._waits = False
            self._go_on(self._tls)
        if self._secure and not self._over:
            return self._connection.eof_received()
        if not self._secure and self._tls is not None and not self._over:
            self._fail("the client went away")
        return False

    def pause_writing(self) -> None:
        """Hand on that the client does not read."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Hand on that it reads again."""
        self._connection.resume_writing()

    # What the connection asks for, as of any transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        if self._plain:
            self._below.write(data)
        elif self._tls is not None and not self._over:
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[self._tls.write(rest[:_RECORD]) :]
                    self._flush()
            except ssl.SSLError:
                self.abort()

    def write_eof(self) -> None:
        """Say that nothing more comes, and go on reading, to throw it away."""
        self._say_end()
        self._below.write_eof()

    def abort(self) -> None:
        """End the connection at once."""
        self._over = True
        self._below.abort()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport below says of itself, its socket say."""
        return self._below.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether it is being closed."""
        return bool(self._below.is_closing())

    def pause_reading(self) -> None:
        """Read nothing more for the time being."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._below.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait for the client."""
        return int(self._below.get_write_buffer_size())

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say from how many on the client is one that does not read."""
        self._below.set_write_buffer_limits(high=high, low=low)

    # Between the two

    def _wait_for_turn(self) -> None:
        """Go on with the handshake when it is this address's turn: a signature takes the loop a millisecond or more."""
        self._connection.shakes_hands(self._taken)
        if self._taken > _HANDSHAKE:
            self._below.pause_reading()
        if not (self._waits or self._over):
            self._waits = True
            self._connection.floor.turns.wait(self._connection.place, self._has_turn)

    def _has_turn(self) -> bool:
        if self._over or not self._waits:
            return False
        self._waits = False
        self._below.resume_reading()
        if self._tls is None:
            self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._go_on(self._tls)
        if not (self._secure or self._over) and self._taken > _HANDSHAKE:
            self._fail(f"the handshake has more than {_HANDSHAKE} bytes")
        return True

    def _go_on(self, tls: ssl.SSLObject) -> None:
        try:
            if not self._secure:
                self._shake_hands(tls)
            if self._secure:
                self._read(tls)
        except ssl.SSLError as error:
            self._fail(reason_of(error))

    def _shake_hands(self, tls: ssl.SSLObject) -> None:
        with suppress(ssl.SSLWantReadError):
            tls.do_handshake()
            self._secure = True
            self._settle()
            self._connection.shakes_hands(0)
            self._connection.secured(organisations_of(tls) if self._binds else None)
        self._flush()

    def _read(self, tls: ssl.SSLObject) -> None:
        parts = []
        ended = False
        try:
            while part := tls.read(_RECORD):
                parts.append(part)
            ended = True
        except ssl.SSLWantReadError:
            pass
        self._flush()
        if self.get_write_buffer_size() > _UNTAKEN:
            self.abort()
        elif parts:
            self._connection.data_received(b"".join(parts))
        if ended and not (self._over or self._connection.eof_received()):
            self._say_end()
            self._below.close()

    def _refuse_plain(self) -> None:
        """Tell whoever speaks HTTP where TLS is spoken, in its own language; nothing of it is read."""
        self._plain = self._over = True
        self._settle()
        self._connection.refuse(HandshakeFailed("this address speaks TLS: start the URL with https://"))

    def _fail(self, reason: str) -> None:
        """End a connection that is not TLS, or not any more, with the alert that OpenSSL has for the client."""
        if not self._secure:
            self._connection.not_secured(HandshakeFailed(reason))
        self._settle()
        self._over = True
        self._flush()
        self._below.write_eof()
        floor = self._connection.floor
        floor.loop.call_later(floor.limits.lingering_time, self.abort)

    def _too_late(self) -> None:
        if self._tls is not None:
            self._connection.not_secured(HandshakeFailed("the handshake did not finish in time"))
        self.abort()

    def _say_end(self) -> None:
        if self._tls is not None and not self._over:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()
        self._over = True

    def _flush(self) -> None:
        if not self._below.is_closing() and self._outgoing.pending:
            self._below.write(self._outgoing.read())

    def _settle(self) -> None:
        """The handshake is over, in one way or the other."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
