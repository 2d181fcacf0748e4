"""Octets on a connection that belong to no answer, whoever holds them: the kernel, OpenSSL or libcurl (T67).

Over plain HTTP they lie in the socket. Over TLS OpenSSL may have read them already, as a record of its own or as the
rest of one, where no poll of the socket shows them. So the octets are counted. The kernel says how many have arrived,
the headers of the records (RFC 8446, 5.1) say how many were taken and how long they were, and libcurl says how many
of them it has passed on. A cipher makes each record longer by as much in both directions, so that what was
sent tells how much that is.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys

import pycurl

_RECORD_HEADER = 5
_APPLICATION_DATA = 23
_CONTENT_TYPES = range(20, 24)
_CLOSE_NOTIFY = 32  # no record of this length or less holds an answer
_RECEIVED = struct.Struct("=128xQ")  # tcpi_bytes_received in Linux's struct tcp_info


class Records:
    """The TLS records of one direction, as OpenSSL shows them to libcurl and libcurl to its debug function."""

    def __init__(self) -> None:
        self.octets = 0
        """Of all records, with their headers."""
        self.passed_on = 0
        """Octets of the messages that went through them."""
        self.count = 0
        """Records of application data."""
        self.length = 0
        """Of the records of application data, without their headers."""
        self.asked_at = 0
        """How many octets there were when we asked: what began before is no answer."""
        self.early = 0
        """Records of application data that began before we asked."""
        self._last: tuple[int, int] | None = None

    def show(self, part: bytes) -> None:
        """Take in a record's header, its inner content type (TLS 1.3), or a message of the handshake."""
        if len(part) == _RECORD_HEADER and part[0] in _CONTENT_TYPES and part[1] == 3:
            began, length = self.octets, int.from_bytes(part[3:])
            self.octets += _RECORD_HEADER + length
            self._last = None
            if part[0] == _APPLICATION_DATA:
                self._last = (began, length)
                self._count(1, began, length)
        elif len(part) == 1 and self._last is not None and part[0] != _APPLICATION_DATA:
            self._count(-1, *self._last)
            self._last = None

    def _count(self, records: int, began: int, length: int) -> None:
        self.count += records
        self.length += records * length
        self.early += records if began < self.asked_at else 0


class Strays:
    """Looks for octets that nobody asked for on one connection."""

    def __init__(self, tls: bool) -> None:
        self._tls = tls
        self.seen = False
        """Whether there have ever been any."""
        self.connected()

    def connected(self) -> None:
        """Begin to count anew, for a new connection."""
        self._sent, self._received = Records(), Records()

    def ask(self, connection: socket.socket) -> bool:
        """Say whether nothing has come on a new connection just before its first request is written.

        Over TLS it cannot be told yet what has come: `shown` tells.
        """
        if self._tls:
            self._received.asked_at = _arrived(connection) or 0
        elif _next_octet(connection):
            self.seen = True
        return not self.seen

    def shown(self, kind: int, part: bytes) -> None:
        """Take in what libcurl shows its debug function."""
        if kind == pycurl.INFOTYPE_SSL_DATA_IN:
            self._received.show(part)
        elif kind == pycurl.INFOTYPE_SSL_DATA_OUT:
            self._sent.show(part)
        elif kind in (pycurl.INFOTYPE_HEADER_IN, pycurl.INFOTYPE_DATA_IN):
            self._received.passed_on += len(part)
            self.seen = self.seen or self._received.early > 0
        elif kind in (pycurl.INFOTYPE_HEADER_OUT, pycurl.INFOTYPE_DATA_OUT):
            self._sent.passed_on += len(part)

    def none_on(self, descriptor: int) -> bool:
        """Say whether the connection is open and everything that came on it was the answers."""
        if not self._tls and not _has_something(descriptor):
            return True
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            return self._none_on(connection)

    def _none_on(self, connection: socket.socket) -> bool:
        following = _next_octet(connection)
        if not self._tls:
            self.seen = self.seen or bool(following)
            return following is None
        arrived, taken = _arrived(connection), self._received.octets
        if arrived is None:
            return False
        self.seen = self.seen or self._is_held_back() or arrived > taken + _CLOSE_NOTIFY
        self._received.asked_at = taken
        return following is None and arrived == taken and not self.seen

    def _is_held_back(self) -> bool:
        """Whether the records were longer than what libcurl made of them."""
        sent, received = self._sent, self._received
        return (received.length - received.passed_on) * sent.count != (sent.length - sent.passed_on) * received.count


def _has_something(descriptor: int) -> bool:
    """Whether there is something to read, the end among it.

    Whoever tries to read has the kernel acknowledge what came before, in a packet of its own: that takes three times as
    long as all the rest of the look (19 against 6 us of processor time).
    """
    look = select.poll()
    look.register(descriptor, select.POLLIN)
    return bool(look.poll(0))


def _next_octet(connection: socket.socket) -> bytes | None:
    """What can be read: None for nothing yet, empty for the end."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _arrived(connection: socket.socket) -> int | None:
    """How many octets the kernel has received; None where it does not say."""
    if sys.platform != "linux":
        return None
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED.size)
    return int(_RECEIVED.unpack(state)[0]) if len(state) == _RECEIVED.size else None
