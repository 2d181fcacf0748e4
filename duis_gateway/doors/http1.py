"""HTTP/1.1 requests, read strictly: what two readers could understand in two ways is refused (threats T50, T51, T55).

Refused are, among others: Content-Length together with Transfer-Encoding, either of them twice, Transfer-Encoding in
HTTP/1.0, two Host fields or, in HTTP/1.1, none, folded header lines, bare line feeds and carriage returns, white space
before a colon, and sloppy or wasteful chunks (RFC 9112, sections 2.2, 3, 5, 6 and 7.1). Nothing here knows of sockets.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from duis_gateway.errors import CodingNotSupported, HeaderTooLarge, HttpRefused, LengthMissing, TooLarge

_END_OF_HEADER = b"\r\n\r\n"
_END_OF_LINE = b"\r\n"
_TLS_HANDSHAKE = b"\x16\x03"

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_REQUEST_LINE = re.compile(rb"(%s{1,32}) ([\x21-\x7e]+) HTTP/1\.([01])" % _TOKEN)
_FIELD = re.compile(rb"(%s+):[ \t]*([\t\x20-\x7e\x80-\xff]*)" % _TOKEN)
_ABSOLUTE = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]{1,253}|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{0,5}))?")
_LAST_PORT = 65_535
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
_ONLY_ONCE = frozenset({"content-length", "transfer-encoding", "host"})

_SIZE = rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n"
_FIRST_SIZE = re.compile(_SIZE)
_NEXT_SIZE = re.compile(rb"\r\n" + _SIZE)  # with the end of the chunk before
_TRAILER = re.compile(rb"(?:%s+:[\t\x20-\x7e\x80-\xff]*)?\r\n" % _TOKEN)
_LONGEST_LINE = 1024
_MOST_TRAILERS = 32
_FREE_CHUNKS = 4096
_OCTETS_A_CHUNK = 16


class RequestLine(NamedTuple):
    """The first line of a request. `path` is decoded, one character an octet; `*` stays as it is.

    `authority` is the host that a target in absolute form names, None for other forms.
    """

    method: str
    path: str
    query: str
    minor_version: int
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a request. `fields` has lower-case names; fields of the same name are joined with a comma.

    `length` is that of the body in bytes, 0 where there is none; None: it is chunked.
    """

    fields: Mapping[str, str]
    length: int | None
    keep_alive: bool
    expects_continue: bool


def take_header(unread: bytearray, longest: int) -> list[bytes] | None:
    """Take a request's first line and header off what has come, and return their lines; None: more has to come.

    Raises:
        HttpRefused: a line ends with a line feed alone, or the client speaks TLS.
        HeaderTooLarge: they have more than `longest` bytes.
    """
    if unread.startswith(_TLS_HANDSHAKE):
        raise HttpRefused("the client speaks TLS, and this address speaks plain HTTP: start the URL with http://")
    end = unread.find(_END_OF_HEADER)
    header = unread if end < 0 else unread[:end]
    if _BARE_LINE_FEED.search(header) is not None:
        raise HttpRefused("a header line ends with a bare line feed")
    if len(header) > longest:
        raise HeaderTooLarge(f"the header has more than {longest} bytes")
    if end < 0:
        return None
    del unread[: end + len(_END_OF_HEADER)]
    return bytes(header).split(b"\r\n")


def line_so_far(unread: bytearray, known: RequestLine) -> RequestLine:
    """Return the first line of a request whose header may not have come whole; `known` until it has come, or is one."""
    end = -1 if known.method else unread.find(_END_OF_LINE)
    try:
        return known if end < 0 else read_request_line(bytes(unread[:end]))
    except HttpRefused:
        return known


def read_request_line(line: bytes) -> RequestLine:
    """Read the first line (RFC 9112, section 3), in origin form, absolute form or asterisk form.

    Raises:
        HttpRefused: it is malformed, or of another version than 1.0 or 1.1.
    """
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise HttpRefused("the first line is not that of an HTTP/1.1 request")
    target = found[2].decode("ascii")
    absolute = _ABSOLUTE.match(target)
    path, _, query = target[absolute.end() if absolute else 0 :].partition("?")
    return RequestLine(
        found[1].decode("ascii"),
        unquote_to_bytes(path).decode("latin-1"),
        query,
        int(found[3]),
        absolute and absolute[1],
    )


def read_header(lines: list[bytes], request: RequestLine, *, length_needed: bool = True) -> Header:
    """Read the lines between the first line and the body (RFC 9112, sections 5 and 6).

    Where no `length_needed`, a POST that says nothing of its body has none (6.3).

    Raises:
        HttpRefused: a line is malformed or folded, the length of the body can be read in two ways, or a request of
            HTTP/1.1 has no Host, or any has one that is no host (3.2).
        LengthMissing: a POST says neither how long its body is nor that it is chunked, and has to.
        CodingNotSupported: a transfer coding other than `chunked`.
    """
    fields: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise HttpRefused("a header line is malformed")
        name, value = found[1].decode("ascii").lower(), found[2].decode("latin-1").rstrip(" \t")
        if name in fields and name in _ONLY_ONCE:
            raise HttpRefused(f"{name} appears in the header twice")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    if request.minor_version == 1 and "host" not in fields:
        raise HttpRefused("an HTTP/1.1 request needs a Host field")
    if fields.get("host") and not is_host(fields["host"]):
        raise HttpRefused("the Host header must name the host and port by which the gateway is reached")
    if request.authority is not None:
        if not is_host(request.authority):
            raise HttpRefused("the request's target names no host")
        # RFC 9112, 3.2.2: what Host says does not count then.
        fields["host"] = request.authority
    length = _length(fields, request, needed=length_needed)
    options = {option.strip().lower() for option in fields.get("connection", "").split(",")}
    keep_alive = "close" not in options and (request.minor_version == 1 or "keep-alive" in options)
    expects = request.minor_version == 1 and fields.get("expect", "").lower() == "100-continue"
    return Header(fields, length, keep_alive, expects)


def _length(fields: Mapping[str, str], request: RequestLine, *, needed: bool) -> int | None:
    length, coding = fields.get("content-length"), fields.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise HttpRefused("Content-Length and Transfer-Encoding exclude each other")
        _check_coding(coding, request)
        return None
    if length is None:
        if needed and request.method == "POST":
            raise LengthMissing("a request with a body needs a Content-Length, or a chunked body")
        return 0
    if not _LENGTH.fullmatch(length):
        raise HttpRefused("Content-Length is not a number, or is out of range")
    return int(length)


def _check_coding(coding: str, request: RequestLine) -> None:
    steps = [step.strip(" \t").lower() for step in coding.split(",")]
    if request.minor_version == 0 or "" in steps or steps.count("chunked") > 1:
        raise HttpRefused("Transfer-Encoding is malformed, or appears in an HTTP/1.0 request")
    if steps != ["chunked"]:
        raise CodingNotSupported("the only transfer coding supported is chunked")


def is_host(named: str) -> bool:
    """Whether a text is a host, with or without a port; one with an underscore, as Compose makes them, is a name."""
    match = _HOST.fullmatch(named)
    if match is None or int(match[2] or 0) > _LAST_PORT:
        return False
    try:
        return match[1] is None or bool(ipaddress.IPv6Address(match[1]))
    except ValueError:
        return False


class Body:
    """Gathers a body whose length is known. `content` has what has come."""

    def __init__(self, length: int, limit: int) -> None:
        if length > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
        self.content = bytearray()
        self._length = length

    @property
    def complete(self) -> bool:
        """Whether all of it is there."""
        return len(self.content) == self._length

    def feed(self, data: bytes) -> bytes:
        """Take in what belongs to the body; return what does not."""
        missing = self._length - len(self.content)
        self.content += data[:missing]
        return data[missing:]


class ChunkedBody:
    """Decodes a chunked body of at most `limit` bytes; extensions and trailers are read over (RFC 9112, section 7.1).

    Each chunk costs time, however little is in it: beyond the first 4,096, chunks must have 16 octets on average.
    """

    def __init__(self, limit: int) -> None:
        self.content = bytearray()
        self.complete = False
        self._limit = limit
        self._unread = b""
        self._next = _FIRST_SIZE
        self._left = 0
        self._chunks = 0
        self._trailers = 0

    def feed(self, data: bytes) -> bytes:
        """Take in what belongs to the body; return what does not, once the body is complete.

        Raises:
            HttpRefused: the chunks are malformed, or too small.
            TooLarge: over the limit.
        """
        data, at = self._unread + data, 0
        while not self.complete:
            if self._left:
                piece = data[at : at + self._left]
                self.content += piece
                self._left -= len(piece)
                at += len(piece)
            line = self._next.match(data, at)
            if self._left or line is None:
                break
            at = line.end()
            self._take(line)
        self._unread = b"" if self.complete else data[at:]
        end_of_chunk = 2 if self._next is _NEXT_SIZE and self._unread.startswith(b"\r\n") else 0
        if self._unread.find(b"\n", end_of_chunk) >= 0 or len(self._unread) > _LONGEST_LINE:
            raise HttpRefused("the chunks of the body are malformed")
        return data[at:] if self.complete else b""

    def _take(self, line: re.Match[bytes]) -> None:
        if self._next is not _TRAILER:
            self._begin_chunk(int(line[1], 16), len(line[0]))
        else:
            self._trailers += 1
            self.complete = line[0] == b"\r\n"
            if self._trailers > _MOST_TRAILERS or len(line[0]) > _LONGEST_LINE:
                raise HttpRefused("the trailer of the body is too long")

    def _begin_chunk(self, size: int, line_length: int) -> None:
        self._left = size
        self._next = _NEXT_SIZE if size else _TRAILER
        self._chunks += 1
        if line_length > _LONGEST_LINE:
            raise HttpRefused("a chunk's extension is too long")
        if len(self.content) + size > self._limit:
            raise TooLarge(f"the body has more than {self._limit} bytes")
        if self._chunks > _FREE_CHUNKS + len(self.content) // _OCTETS_A_CHUNK:
            raise HttpRefused(f"the chunks are too small: send at least {_OCTETS_A_CHUNK} octets in each")


def ends_early(body: Body | ChunkedBody | None) -> HttpRefused:
    """Return why a request of which no more will come is refused; `body` as far as it came, None: not even begun."""
    if body is None:
        return HttpRefused("the header ends early: the client closed the connection within it")
    came = len(body.content)
    return HttpRefused(f"the body ends early: the client closed the connection after {came} bytes of it")
