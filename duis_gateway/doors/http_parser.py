"""HTTP/1.1 requests, read strictly: what two readers could understand in two ways is refused (threats T50, T51, T55).

waitress has the mechanics. Refused beyond what it refuses: Content-Length together with Transfer-Encoding, either of
them twice, Transfer-Encoding in HTTP/1.0, folded header lines, bare line feeds, sloppy chunk framing (RFC 9112,
sections 2.2, 5.2, 6.1 to 6.3 and 7.1).
"""

from __future__ import annotations

import re
import time
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import BadRequest, Error

_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_LONGEST_LINE = 1024
_MOST_TRAILERS = 32
_LONGEST_LENGTH = 18  # digits
_SENDS_A_BODY = "POST"


class LengthRequired(Error):
    """waitress's form of a body that is not announced."""

    code = 411
    reason = "Length Required"


class StrictParser(HTTPRequestParser):
    """Reads one request. `started` is the monotonic time, in seconds, of its first byte."""

    body_rcv: Any
    completed: bool
    error: Any
    header_plus: bytes

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.started = time.monotonic()

    def received(self, data: bytes) -> int:
        """Take bytes in, and return how many belong to this request."""
        if self.body_rcv is None and not self.completed and self._has_bare_line_feed(data):
            self.parse_header(b"GET / HTTP/1.0\r\n")
            self.error = BadRequest("bare line feed")
            self.completed = True
            return len(data)
        taken: int = super().received(data)
        if self.error is not None or self.body_rcv is None:
            # A body that is refused or that does not come is not asked for.
            self.expect_continue = False
        return taken

    def _has_bare_line_feed(self, data: bytes) -> bool:
        head = self.header_plus + data
        end = head.find(b"\r\n\r\n")
        return _BARE_LINE_FEED.search(head if end < 0 else head[:end]) is not None

    def parse_header(self, header_plus: bytes) -> None:
        """Read the start line and the header.

        Raises:
            ParsingError, TransferEncodingNotImplemented: waitress makes 400 and 501 of them.
        """
        lines = header_plus.split(b"\r\n")[1:]
        if any(line.startswith((b" ", b"\t")) for line in lines):
            raise ParsingError("folded header line")
        fields = [line.partition(b":") for line in lines]
        lengths = [value.strip() for name, _, value in fields if name.lower() == b"content-length"]
        codings = [value.strip(b" \t").lower() for name, _, value in fields if name.lower() == b"transfer-encoding"]
        if len(lengths) + len(codings) > 1:
            raise ParsingError("more than one Content-Length or Transfer-Encoding")
        if lengths and len(lengths[0]) > _LONGEST_LENGTH:
            raise ParsingError("Content-Length is out of range")
        steps = [step.strip(b" \t") for coding in codings for step in coding.split(b",")]
        if b"" in steps or steps.count(b"chunked") > 1:
            raise ParsingError("Transfer-Encoding is malformed")
        super().parse_header(header_plus)
        if self.version not in {"1.0", "1.1"} or (codings and self.version == "1.0"):
            raise ParsingError("not an HTTP/1.1 request")
        if self.command == _SENDS_A_BODY and not (lengths or codings):
            # The connection is closed with the answer: what follows may well be the body.
            self.error = LengthRequired("")
        if self.chunked:
            self.body_rcv = StrictChunks(self.body_rcv.getbuf())


class StrictChunks:
    """Decodes a chunked body into a buffer; extensions and trailers are read over (RFC 9112, section 7.1)."""

    def __init__(self, buffer: Any) -> None:
        self.completed = False
        self.error: BadRequest | None = None
        self._buffer = buffer
        self._line = b""
        self._left = 0
        self._expect = "size"
        self._trailers = 0

    def __len__(self) -> int:
        return int(self._buffer.__len__())

    def getfile(self) -> Any:
        """Return the body as a file."""
        return self._buffer.getfile()

    def getbuf(self) -> Any:
        """Return the buffer."""
        return self._buffer

    def received(self, data: bytes) -> int:
        """Take bytes in, and return how many belong to this body."""
        taken = 0
        while taken < len(data) and not self.completed and self.error is None:
            if self._left:
                piece = data[taken : taken + self._left]
                self._buffer.append(piece)
                self._left -= len(piece)
            else:
                end = data.find(b"\n", taken)
                piece = data[taken:] if end < 0 else data[taken : end + 1]
                self._line += piece
                self._check_line()
            taken += len(piece)
        return taken

    def _check_line(self) -> None:
        line = self._line
        if len(line) > _LONGEST_LINE:
            self.error = BadRequest("chunk line too long")
        elif line.endswith(b"\n"):
            self._line = b""
            if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
                self.error = BadRequest("bare line feed or carriage return in the chunks")
            else:
                self._take_line(line[:-2])

    def _take_line(self, line: bytes) -> None:
        if self._expect == "size":
            size = _CHUNK_SIZE.fullmatch(line)
            if size is None:
                self.error = BadRequest("chunk size")
                return
            self._left = int(size[1], 16)
            self._expect = "end of chunk" if self._left else "trailer"
        elif self._expect == "end of chunk":
            self._expect = "size"
            if line:
                self.error = BadRequest("chunk not ended")
        else:
            self._trailers += 1
            self.completed = not line
            if self._trailers > _MOST_TRAILERS:
                self.error = BadRequest("too many trailers")
