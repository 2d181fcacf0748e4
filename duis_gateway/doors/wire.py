"""HTTP as the doors see it: a request whose body is read whole or not at all, and an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic

from duis_gateway.doors.feeds import Feed
from duis_gateway.doors.http1 import is_host
from duis_gateway.errors import ContentCoded, HttpRefused, MessageRefused, TooLarge, UnsupportedMedia

XML = "application/xml"
SOAP = "text/xml"

_PARAMETER = re.compile(r"""[\s;]*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"\s*+|[^;"]*+)(?:;|\Z)""")
_QUALITY = re.compile(r"q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_UTF_8 = frozenset({"utf-8", "utf8"})
_ASCII = frozenset({"us-ascii", "ascii"})


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. `headers` has lower-case names; `content` is the body; `remote` is the peer's own address.

    `arrived`: when the whole request was there, on the monotonic clock.
    `notes` is where whoever answers writes what the log is to say beside this. Headers by which a proxy speaks of
    somebody else (`Forwarded`, `X-Forwarded-*`, `X-SSL-*`) are read by nobody (T56). `scheme` is "http" or "https";
    `organisations` are those of the TLS client certificate, None where senders are not bound to them.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content: bytes
    remote: str
    correlation_id: str
    notes: dict[str, object] = field(default_factory=dict, compare=False)
    scheme: str = "http"
    organisations: frozenset[str] | None = None
    arrived: float = field(default_factory=monotonic, compare=False)

    @property
    def host(self) -> str:
        """The host by which the sender reaches the gateway, with its port where it named one (RFC 9110, 7.2).

        A name with an underscore, as Compose makes them, is a name (RFC 3986, 3.2.2).

        Raises:
            HttpRefused: there is no Host header, or it names no host.
        """
        named = self.headers.get("host", "")
        if not is_host(named):
            raise HttpRefused("the Host header must name the host and port by which the gateway is reached")
        return named

    def body(self, limit: int) -> bytes:
        """Return the whole body, of at most `limit` bytes; never a prefix of it (T50, T54).

        Raises:
            TooLarge: over the limit.
        """
        if len(self.content) > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
        return self.content


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `refused` says why, where the answer is a refusal.

    `body` may be produced piece by piece, or be a feed, which the client listens to for a while.

    `asker`: the party that a body in pieces is for, whose answers of that kind are counted. `holds_snapshot`: they are
    read in one transaction, which lasts as long as the client takes, so that there may not be many.
    """

    status: int
    content_type: str
    body: bytes | Iterator[bytes] | Feed
    headers: tuple[tuple[str, str], ...] = ()
    refused: MessageRefused | None = None
    asker: int | None = None
    holds_snapshot: bool = True


def check_coding(request: HttpRequest) -> None:
    """Accept a body without a content coding, and no other (ContentCoded; RFC 9110, section 8.4)."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ContentCoded("content codings are not supported: send the body as it is")


def check_media(request: HttpRequest, *media_types: str) -> str:
    """Return which of these media types it is: in UTF-8, without a content coding, and no other (T09, T49, T53).

    US-ASCII is a part of UTF-8, as in the XML declaration.

    Raises:
        UnsupportedMedia: another media type or character set, or any content coding.
    """
    check_coding(request)
    named, _, parameters = request.headers.get("content-type", "").partition(";")
    media_type = named.strip().lower()
    if media_type not in media_types:
        raise UnsupportedMedia(f"the media type must be {' or '.join(media_types)}")
    if not _charsets(parameters) <= (_UTF_8 | _ASCII if request.content.isascii() else _UTF_8):
        raise UnsupportedMedia("the character set must be utf-8")
    return media_type


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


def accepted(accept: str) -> dict[str, float]:
    """Return what an Accept header names, in its order, each with its weight (RFC 9110, section 12.5.1).

    What is weighted 0, or in a way that is none, is not acceptable.
    """
    found: dict[str, float] = {}
    for one in accept.lower().split(","):
        media, *parameters = (part.strip() for part in one.split(";"))
        weight = max((_weight(part) for part in parameters if part.startswith("q=")), default=1.0)
        found[media] = max(found.get(media, 0.0), weight)
    return found


def wants_page(request: HttpRequest) -> bool:
    """Whether a browser asks, which takes HTML and says so; programs do not."""
    return accepted(request.headers.get("accept", "")).get("text/html", 0.0) > 0


def _weight(parameter: str) -> float:
    return float(parameter[2:]) if _QUALITY.fullmatch(parameter) else 0.0
