"""HTTP as the doors see it: a request whose body is read whole or not at all, and an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from duis_gateway.errors import HttpRefused, LengthMissing, MessageRefused, TooLarge, UnsupportedMedia

XML = "application/xml"
SOAP = "text/xml"

_HOST = re.compile(r"(?:[A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True)
class HttpRequest:
    """One HTTP request. `headers` has lower-case names; `remote` is the peer's own address.

    Headers by which a proxy speaks of somebody else (`Forwarded`, `X-Forwarded-*`, `X-SSL-*`) are read by nobody (T56).
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    stream: BinaryIO
    remote: str
    correlation_id: str
    server: str = "localhost"
    ends_by_itself: bool = False
    read: bytes = b""

    @classmethod
    def of(cls, environ: Mapping[str, Any], correlation_id: str) -> HttpRequest:
        """Read a WSGI environment (PEP 3333)."""
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = environ[name]
        return cls(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", ""),
            query=environ.get("QUERY_STRING", ""),
            headers=headers,
            stream=environ["wsgi.input"],
            remote=environ.get("REMOTE_ADDR", ""),
            correlation_id=correlation_id,
            server=f"{environ.get('SERVER_NAME', 'localhost')}:{environ.get('SERVER_PORT', '')}",
            ends_by_itself=bool(environ.get("wsgi.input_terminated")),
        )

    @property
    def host(self) -> str:
        """The host that the sender named, or the server's own name where that is no host name."""
        named = self.headers.get("host", "")
        return named if _HOST.fullmatch(named) else self.server

    def body(self, limit: int) -> bytes:
        """Read the whole body, at most `limit` bytes; never a prefix of it (T50, T54).

        Raises:
            LengthMissing: neither a length nor a chunked body that the server has decoded.
            HttpRefused: the length is no number, or the body is shorter.
            TooLarge: over the limit.
        """
        length = self._length(limit)
        if length > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
        self.read = self._read_up_to(limit + 1 if length < 0 else length)
        if len(self.read) > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
        if len(self.read) < length:
            raise HttpRefused(f"the body ended after {len(self.read)} bytes of {length}")
        return self.read

    def _length(self, limit: int) -> int:
        """Return the length announced, or -1 for a body that ends by itself."""
        text = self.headers.get("content-length")
        if text is None:
            if self.ends_by_itself and "transfer-encoding" in self.headers:
                return -1
            raise LengthMissing("a POST needs a Content-Length, or a chunked body")
        if text.isascii() and text.isdigit() and not _LENGTH.fullmatch(text):
            return limit + 1
        if not _LENGTH.fullmatch(text):
            raise HttpRefused("Content-Length is not a number")
        return int(text)

    def _read_up_to(self, length: int) -> bytes:
        pieces = []
        while length > 0 and (piece := self.stream.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `refused` says why, where the answer is a refusal; `body` may be produced piece by piece."""

    status: int
    content_type: str
    body: bytes | Iterator[bytes]
    headers: tuple[tuple[str, str], ...] = ()
    refused: MessageRefused | None = None


def check_media(request: HttpRequest, media_type: str) -> None:
    """Accept `media_type` in UTF-8, without a content coding, and nothing else (T09, T49, T53).

    Raises:
        UnsupportedMedia: another media type or character set, or any content coding.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMedia("no content coding is supported: send the body as it is")
    named, *parameters = request.headers.get("content-type", "").split(";")
    if named.strip().lower() != media_type:
        raise UnsupportedMedia(f"the media type must be {media_type}")
    charsets = [value for name, _, value in (p.partition("=") for p in parameters) if name.strip().lower() == "charset"]
    if any(charset.strip().strip('"').lower() != "utf-8" for charset in charsets):
        raise UnsupportedMedia("the character set must be utf-8")
