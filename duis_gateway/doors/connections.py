"""One client's connection. It belongs to the server's loop; workers see whole requests and give whole answers.

- What does not arrive in time gets 408, what is malformed 400, in the form of the door, and the connection ends (T52).
- A client that does not read costs its own connection: its next request is not begun before it has taken the answer
  to the last, and no worker waits for it.
- After its last answer a connection is read for a while and what comes thrown away, since closing at once would reset
  it and often lose the answer (RFC 9112, section 9.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from time import monotonic
from typing import Any

from duis_gateway.doors.crowd import place_of
from duis_gateway.doors.feeds import Feed
from duis_gateway.doors.floor import Floor
from duis_gateway.doors.heads import head_of
from duis_gateway.doors.http import new_correlation_id
from duis_gateway.doors.http1 import (
    Body,
    ChunkedBody,
    Header,
    RequestLine,
    ends_early,
    line_so_far,
    read_header,
    read_request_line,
    take_header,
)
from duis_gateway.doors.streams import Stream, close_pieces, framed, reset_when_closed
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.errors import HandshakeFailed, MessageRefused, TooBusy, TooSlow

_NO_REQUEST = RequestLine("", "", "", 1)
_NO_HEADER = Header({}, 0, keep_alive=False, expects_continue=False)
_AT_ONCE = 16 * 1024
"""Bytes of a body that are read before others have their turn: in a chunked one each chunk costs time."""
_UNSENT = 64 * 1024
"""Bytes of answers that may wait for a client before its next request is begun."""


class Connection(asyncio.Protocol):
    """One connection. `in_hand`: a whole request is there and not answered yet; `held`: bytes kept for it."""

    def __init__(self, floor: Floor, address: str, scheme: str = "http") -> None:
        self.in_hand = False
        self.held = 0
        self.floor = floor
        self._limits = floor.limits
        self._address = address
        self.place = place_of(address)
        self._scheme = scheme
        self._organisations: frozenset[str] | None = None
        self._transport: Any = None
        self._unread = bytearray()
        self._line = _NO_REQUEST
        self._header = _NO_HEADER
        self._body: Body | ChunkedBody | None = None
        self._stream: Stream | None = None
        self._asker: int | None = None
        self._feed: Feed | None = None
        self._feed_until = 0.0
        self._working = self._handshake = self._unsent = self._snapshots = 0
        self._begun: float | None = None
        self._moved = monotonic()
        self._empty_line = self._paused = self._ended = self._closing = self._lost = self._cut = False

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._transport.set_write_buffer_limits(high=_UNSENT)
        if self not in self.floor.crowd:  # sent away before it had begun
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        if not (self._line.minor_version or self._cut):
            reset_when_closed(self._transport, on=False)
        self._lost = True
        self._forget()
        if self._stream is not None:
            self._stream.close()
            self._end_stream()
        self._leave_feed()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; after the last answer they are thrown away."""
        if self._closing:
            return
        self._unread += data
        self._moved = monotonic()
        if not self.in_hand:
            self.floor.crowd.idle(self)
        elif self._feed is not None:
            self._transport.pause_reading()  # the next request waits until the feed is over
        self._advance()
        self._count()  # after it has been read: who has to go by then has a request that can be refused

    def eof_received(self) -> bool:
        """Close, unless there is something to answer; a client may say no more and still want to hear, except a feed.

        Of a feed nothing may have to be sent for long, and who has gone would keep a place.
        """
        self._ended = True
        if self._feed is not None:
            self.abort()
        elif self._is_read():
            self._refuse_cut()
            return True
        return self.in_hand or (not self._closing and self._transport.get_write_buffer_size() > 0)

    def pause_writing(self) -> None:
        """Note that the client does not read as fast as it is answered; it may be sent away meanwhile."""
        self._paused = True
        if self._stream is not None:
            self.floor.crowd.idle(self)

    def resume_writing(self) -> None:
        """Go on: the client has taken most of what there was."""
        self._paused = False
        self._moved = monotonic()
        self._count_unsent()
        if self._stream is not None:
            self.floor.crowd.busy(self)
            self._stream.pull()
        elif not self.in_hand and not self._closing:
            self._go_on()

    # What TLS tells, where it is spoken

    def secured(self, organisations: frozenset[str] | None) -> None:
        """Note whose certificate the client has; None: senders are not bound to it."""
        self._organisations = organisations

    def shakes_hands(self, size: int) -> None:
        """Count the bytes that are kept of a handshake; 0 when it is over."""
        self._handshake = size
        self._count()

    def not_secured(self, error: HandshakeFailed) -> None:
        """Record a handshake that failed; the client hears OpenSSL's alert alone."""
        self.floor.app.refuse(error, "", self._address)

    # Reading

    def _advance(self) -> None:
        """Read as far as the next whole request, and have it answered."""
        if self.in_hand or self._closing or self._lost:
            return
        try:
            if self._body is None and not self._read_header():
                if self._ended and self._is_read():
                    self._refuse_cut()
            elif self._body is not None and self._read_body(self._body):
                self._begin(bytes(self._body.content))
        except MessageRefused as error:
            self.refuse(error)
        else:
            self._count()
            if self._body is not None:
                self._take_turns()

    def _take_turns(self) -> None:
        """Go on with what there is of the body when others have had their turn, or when more comes."""
        if self._unread:
            self._transport.pause_reading()
            self.floor.loop.call_soon(self._advance)
        elif self._ended:
            self._refuse_cut()
        else:
            self._transport.resume_reading()

    def _read_header(self) -> bool:
        if not self._empty_line and self._unread.startswith(b"\r\n"):  # RFC 9112, section 2.2: one may come before
            self._empty_line = True
            del self._unread[:2]
        if not self._unread:
            return False
        if self._begun is None:
            self._begun, self._line = monotonic(), _NO_REQUEST
        self._line = line_so_far(self._unread, self._line)  # a header that is never whole is refused by its door too
        lines = take_header(self._unread, self._limits.header)
        if lines is None:
            return False
        self._line = self._line if self._line.method else read_request_line(lines[0])
        self._header = read_header(lines[1:], self._line, length_needed=self._limits.length_needed)
        length = self._header.length
        self._body = ChunkedBody(self._limits.body) if length is None else Body(length, self._limits.body)
        if self._header.expects_continue and not self._unread and not self._body.complete:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_body(self, body: Body | ChunkedBody) -> bool:
        data = bytes(self._unread[:_AT_ONCE])
        del self._unread[:_AT_ONCE]
        self._unread[:0] = body.feed(data)
        return body.complete

    def _begin(self, content: bytes) -> None:
        self.in_hand = True
        self._working = len(content)
        self._body = None
        self.floor.crowd.busy(self)
        self._transport.pause_reading()
        request = HttpRequest(
            self._line.method,
            self._line.path,
            self._line.query,
            self._header.fields,
            content,
            self._address,
            new_correlation_id(),
            scheme=self._scheme,
            organisations=self._organisations,
        )
        if self.floor.app.waits(request):
            self.floor.workers_for(request).submit(partial(self._work, request), self.place)
        else:
            self.floor.turns.wait(self.place, partial(self._answer_here, request))

    def _answer_here(self, request: HttpRequest) -> bool:
        """Answer, in the loop; False where nobody is there any more."""
        if not self._lost:
            self._answered(self.floor.app.answer(request))
        return not self._lost

    def _work(self, request: HttpRequest) -> None:
        """Answer, in a worker's thread."""
        answer = None
        try:
            answer = self.floor.app.answer(request)
        finally:
            self.floor.tell(self.abort if answer is None else partial(self._answered, answer))

    # Answering

    def _answered(self, answer: Answer) -> None:
        if isinstance(answer.body, Feed):
            self._answered_by_feed(answer, answer.body)
        elif self._lost:
            self.floor.workers.submit(partial(close_pieces, answer.body), self.place)
        elif isinstance(answer.body, bytes):
            self._send(answer, answer.body)
            self._done()
        elif self._line.method == "HEAD":
            self.floor.workers.submit(partial(close_pieces, answer.body), self.place)
            self._send(answer, None)
            self._done()
        elif answer.holds_snapshot and (refused := self.floor.stream_refusal(answer.asker)) is not None:
            self.floor.workers.submit(partial(close_pieces, answer.body), self.place)
            self._answered(self.floor.app.refuse(refused, self._line.path, self._address, self._line.method))
        else:
            if not self._line.minor_version:  # before the first octet: the process may end at any moment
                reset_when_closed(self._transport, on=True)
            self._send(answer, None)
            self._begin_stream(answer.body, answer)

    def _send(self, answer: Answer, body: bytes | None) -> None:
        if body is None and not self._line.minor_version:
            self._header = _NO_HEADER  # the end of the connection is that of the body
        head = head_of(answer, None if body is None else len(body), self._line, last=self._is_last())
        self._write(head if self._line.method == "HEAD" else head + (body or b""))

    def _is_last(self) -> bool:
        return not self._header.keep_alive or self.floor.stopping or (self._ended and not self._unread)

    def _write(self, data: bytes) -> None:
        self._transport.write(data)
        self._unsent = self._transport.get_write_buffer_size()

    def _begin_stream(self, pieces: Iterator[bytes], answer: Answer) -> None:
        self._asker, self._snapshots = answer.asker, int(answer.holds_snapshot)
        self.floor.streams[self._asker] += self._snapshots
        submit = partial(self.floor.workers.submit, place=self.place)
        self._stream = Stream(pieces, submit, self.floor.tell, self._streamed, self.abort)
        self._stream.pull()

    def _streamed(self, data: bytes, *, ended: bool) -> None:
        """Send a part of the answer; the next is asked for when the client has taken most of this."""
        if self._lost or self._stream is None:
            return
        self._write(framed(data, self._line.minor_version, ended=ended))
        self._count()
        if ended:
            self._end_stream()
            self._done()
        elif not self._paused:
            self._stream.pull()

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream = None
            self.floor.streams[self._asker] -= self._snapshots

    def _answered_by_feed(self, answer: Answer, feed: Feed) -> None:
        if self._lost:
            return
        if self._line.method == "HEAD":
            self._send(answer, None)
            self._done()
        elif (refused := self.floor.feed_refusal()) is not None:
            self._answered(self.floor.app.refuse(refused, self._line.path, self._address, self._line.method))
        else:
            self._send(answer, None)
            self._feed, self._feed_until = feed, monotonic() + self._limits.feed_time
            self.floor.feeds += 1
            self._hear(feed.greeting)
            feed.join(self._tell)
            self._transport.resume_reading()  # to learn when the client goes

    def _tell(self, data: bytes) -> None:
        """Have the loop send what a feed tells; called in any thread."""
        self.floor.tell(partial(self._hear, data))

    def _hear(self, data: bytes) -> None:
        if self._feed is None or self._lost:
            return
        if self._paused:  # it has not read for so long that it may as well begin anew
            self.abort()
            return
        self._write(framed(data, self._line.minor_version))

    def _leave_feed(self) -> None:
        if self._feed is not None:
            self._feed.leave(self._tell)
            self._feed = None
            self.floor.feeds -= 1

    def _end_feed(self) -> None:
        self._leave_feed()
        self._write(framed(b"", self._line.minor_version, ended=True))
        self._done()

    def _done(self) -> None:
        last = self._is_last()
        self.in_hand = False
        self._working = 0
        self._begun = None
        self._empty_line = False
        self._moved = monotonic()
        self.floor.crowd.idle(self)
        self._count()
        if last:
            self._close()
        elif not self._paused:
            self._go_on()

    def _go_on(self) -> None:
        self._transport.resume_reading()
        if self._unread:
            self.floor.loop.call_soon(self._advance)

    # Ending

    def refuse(self, error: MessageRefused) -> None:
        """Answer what is no request to be worked on; the connection ends with it."""
        self._header = _NO_HEADER
        answer = self.floor.app.refuse(error, self._line.path, self._address, self._line.method)
        self._send(answer, answer.body if isinstance(answer.body, bytes) else None)
        self._close()

    def _is_read(self) -> bool:
        """Whether a request has begun to come and is not whole yet."""
        return self._begun is not None and not (self.in_hand or self._closing)

    def _refuse_cut(self) -> None:
        """Refuse a request of which no more will come, unless some of its body has come and waits for its turn."""
        if self._body is None or not self._unread:
            self.refuse(ends_early(self._body))

    def give_up(self) -> None:
        """Make room for others: refuse the request that is being read, or end the connection."""
        if self._is_read():
            self.refuse(TooBusy("the gateway is already receiving as much as it can hold"))
        else:
            self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self._forget()
        if self._transport is not None:
            self._cut |= self._stream is not None or self._transport.get_write_buffer_size() > 0
            self._transport.abort()

    def _close(self) -> None:
        """Say that this was the last answer, and wait for the client to close."""
        self._closing = True
        self._body = None
        self._begun = None
        self._unread.clear()
        self._count()
        self._moved = monotonic()
        try:
            if not self._transport.is_closing():
                self._transport.write_eof()
                self._transport.resume_reading()
        except OSError:  # the client has reset the connection, and the loop has not seen it yet
            self.abort()

    def _forget(self) -> None:
        self.floor.crowd.remove(self)
        self.floor.hold(-self.held)
        self.held = self._unsent = 0

    def _count(self) -> None:
        """Tell what is held for this client now: a request until it is answered, an answer until it is taken."""
        held = len(self._unread) + self._working + self._handshake + self._unsent
        held += 0 if self._body is None else len(self._body.content)
        more, self.held = held - self.held, held
        self.floor.hold(more)

    def _count_unsent(self) -> None:
        self._unsent = self._transport.get_write_buffer_size() if self._transport is not None else 0
        self._count()

    def waited(self, now: float) -> float:
        """Return for how many seconds the client has taken nothing of what waits for it; 0 where it reads."""
        return now - self._moved if self._paused else 0.0

    def keep_time(self, now: float) -> None:
        """End or refuse what takes too long; `now` is monotonic, in seconds."""
        before = self._unsent
        self._count_unsent()
        if (unsent := self._unsent) < before:
            self._moved = now
        still = now - self._moved
        if self._feed is not None and not unsent and (self.floor.stopping or now > self._feed_until):
            self._end_feed()
        elif self._stream is not None and self._stream.waited(now) > self._limits.stream_time:
            self.abort()
        elif self._closing and not unsent:
            if still > self._limits.lingering_time:
                self.abort()
        elif unsent or (self._begun is None and not self.in_hand):
            if still > self._limits.idle_time:
                self.abort()
        elif self._begun is not None and not self.in_hand:
            allowed = self._limits.header_time if self._body is None else self._limits.body_time
            if now - self._begun > allowed:
                self.refuse(TooSlow("the request did not arrive in time"))

    def is_idle(self) -> bool:
        """Whether nothing is being read, worked on or answered."""
        return not (self.in_hand or self._closing or self._begun is not None or self._unsent)
