"""An answer that is read from the database while it is sent: part by part, and no worker waits for the client."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Protocol

from duis_gateway.errors import GatewayError

_PART = 256 * 1024
_LINGER = struct.Struct("ii")  # socket(7): whether to wait, and for how many seconds; for none, what is unsent is lost
_log = logging.getLogger(__name__)


class Take(Protocol):
    """Takes the next part of an answer, in the loop."""

    def __call__(self, data: bytes, *, ended: bool) -> None:
        """Take it; `ended`: it was the last."""


class Stream:
    """Has the pieces of an answer made by the workers, a part at a time. It belongs to the loop.

    A part is made when it is asked for by `pull`, by who does what is `submit`ted, and given to `take`, which `tell`
    has the loop call. `broken` is called where it cannot be made: the client must not take what it has for the whole.

    A table takes as long as it is: only the time in which the client is waited for has an end.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        submit: Callable[[Callable[[], None]], None],
        tell: Callable[[Callable[[], None]], None],
        take: Take,
        broken: Callable[[], None],
    ) -> None:
        self._waited = 0.0
        self._ready_at = monotonic()
        self._pieces = pieces
        self._submit = submit
        self._tell = tell
        self._take = take
        self._broken = broken
        self._pulling = False
        self._closed = False

    def pull(self) -> None:
        """Have the next part made, unless it is being made."""
        if not (self._pulling or self._closed):
            self._waited = self.waited(monotonic())
            self._pulling = True
            self._submit(self._make)

    def waited(self, now: float) -> float:
        """Return how long the client was waited for so far, in seconds; `now` is monotonic."""
        return self._waited + (0.0 if self._pulling else now - self._ready_at)

    def close(self) -> None:
        """Let go of what the pieces come from."""
        if not self._closed:
            self._closed = True
            if not self._pulling:
                self._submit(partial(close_pieces, self._pieces))

    def _make(self) -> None:
        part = bytearray()
        ended = False
        try:
            while len(part) < _PART and not ended:
                piece = next(self._pieces, None)
                ended = piece is None
                part += piece or b""
        except GatewayError as error:
            _log.warning("an answer breaks off: %s", error)
            self._tell(self._broken)
        except Exception:
            _log.exception("an answer breaks off", extra={"event": "defect"})
            self._tell(self._broken)
        else:
            self._tell(partial(self._made, bytes(part), ended))

    def _made(self, part: bytes, ended: bool) -> None:
        self._pulling = False
        self._ready_at = monotonic()
        if self._closed:
            self._submit(partial(close_pieces, self._pieces))
        else:
            self._closed = ended
            self._take(part, ended=ended)


def framed(data: bytes, minor_version: int, *, ended: bool = False) -> bytes:
    """Return a part of an answer as it is sent: as a chunk, or in HTTP/1.0, which has none, as it is.

    `ended`: it is the last one.
    """
    if not minor_version:
        return data
    chunk = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
    return chunk + b"0\r\n\r\n" if ended else chunk


def reset_when_closed(transport: asyncio.BaseTransport, *, on: bool) -> None:
    """Have the connection reset when it is closed, even by the end of the process, or closed as usual.

    An answer that ends with its connection (HTTP/1.0) would look whole to the client wherever it was cut off.
    """
    with suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.pack(on, 0))


def close_pieces(body: bytes | Iterator[bytes]) -> None:
    """Let go of what the pieces of an answer come from, where it has any."""
    close = getattr(body, "close", None)
    if close is not None:
        close()
