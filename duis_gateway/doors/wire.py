"""HTTP as the doors see it: a request whose body is read whole or not at all, and an answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from duis_gateway.errors import HttpRefused, LengthMissing, MessageRefused, TooLarge, UnsupportedMedia

XML = "application/xml"
SOAP = "text/xml"

_HOST = re.compile(r"(?:[A-Za-z0-9._~-]{1,253}|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{0,5}))?")
_PARAMETER = re.compile(r"""[\s;]*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"\s*+|[^;"]*+)(?:;|\Z)""")
_UTF_8 = frozenset({"utf-8", "utf8"})
_LAST_PORT = 65_535
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
            ends_by_itself=bool(environ.get("wsgi.input_terminated")),
        )

    @property
    def host(self) -> str:
        """The host by which the sender reaches the gateway, with its port where it named one (RFC 9110, 7.2).

        A name with an underscore, as Compose makes them, is a name (RFC 3986, 3.2.2).

        Raises:
            HttpRefused: there is no Host header, or it names no host.
        """
        named = self.headers.get("host", "")
        if not _is_host(named):
            raise HttpRefused("the Host header must name the host, and the port, by which the gateway is reached")
        return named

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
    named, _, parameters = request.headers.get("content-type", "").partition(";")
    if named.strip().lower() != media_type:
        raise UnsupportedMedia(f"the media type must be {media_type}")
    if not _charsets(parameters) <= _UTF_8:
        raise UnsupportedMedia("the character set must be utf-8")


def _charsets(parameters: str) -> set[str]:
    """Return the character sets that a Content-Type names (RFC 9110, 8.3.1), quoted as people's clients quote them."""
    found = set()
    rest = parameters.strip(" \t;")
    while rest:
        match = _PARAMETER.match(rest)
        if match is None:
            raise UnsupportedMedia("the parameters of the Content-Type cannot be read")
        if match[1].lower() == "charset":
            found.add(match[2].strip(" \t\"'").lower())
        rest = rest[match.end() :]
    return found


def _is_host(named: str) -> bool:
    match = _HOST.fullmatch(named)
    if match is None or int(match[2] or 0) > _LAST_PORT:
        return False
    try:
        return match[1] is None or bool(ipaddress.IPv6Address(match[1]))
    except ValueError:
        return False
