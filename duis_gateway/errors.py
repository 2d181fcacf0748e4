"""The errors of the gateway: one tree, and one table from error to HTTP status and SOAP fault.

A `MessageRefused` is an answer to somebody's message that is given before the message is accepted,
unsigned, as RFC 9457 problem details or as a SOAP 1.1 fault. What is refused after authorisation is no
error here: it is a signed answer with a response code (`duis_gateway.duis.codes`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches


class GatewayError(Exception):
    """The base of every error that the gateway raises on purpose."""


class ConfigurationError(GatewayError):
    """The configuration, or the way a command was called, is wrong; the text says what and where."""


class StoreUnusable(GatewayError):
    """The database cannot be used as it is (half migrated, corrupt, of a newer version)."""


class NotAnInteraction(GatewayError):
    """Something would be sent that stands in no row of the table of interactions: a defect of the gateway."""


def meant(word: str, known: Collection[str], form: str = "{}", otherwise: str = "") -> str:
    """Return how an error ends that says that a word is not known: what may have been meant, or else `otherwise`.

    Upper and lower case make no difference. `form` is how the word would be written there. An `otherwise` with {} in
    it is given all that are known.
    """
    by_word = {one.casefold(): one for one in known}
    if close := get_close_matches(word.casefold(), by_word, n=1):
        return f"; did you mean {form.format(by_word[close[0]])}?"
    return otherwise.format(", ".join(known))


ALL_KNOWN = "; there are {}"
"""How an error ends whose reader is to see every word that is known (`meant`)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a message: where it stands, and why it is refused."""

    path: str
    line: int | None
    reason: str


class MessageRefused(GatewayError):
    """A message is refused and nothing has changed. `detail` is for the sender's eyes."""

    def __init__(self, detail: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.findings = findings


def without_frames(error: MessageRefused) -> MessageRefused:
    """Return a refusal that has been caught, without its traceback and what led to it.

    Their frames hold the whole message, its tree too, in a circle with the refusal: only the collector would free them.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class NotSafeXml(MessageRefused):
    """Not well-formed, a DTD or processing instruction, or over a cap on its shape (threats T01 to T10)."""


class TooLarge(MessageRefused):
    """Larger than the limit for a single message (threat T54)."""


class UnsupportedMedia(MessageRefused):
    """Not `application/xml` (or `text/xml` for SOAP) in UTF-8, or a content coding was used (T09, T53)."""


class ContentCoded(UnsupportedMedia):
    """The body is in a content coding (T53); RFC 9110, section 12.5.3, tells it from another media type."""


class HttpRefused(MessageRefused):
    """The HTTP request itself is broken or incomplete (threats T50, T51)."""


class FieldRefused(HttpRefused):
    """A field of a page's form cannot be read, or needs another that is not filled in. `field`: its name."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class LengthMissing(HttpRefused):
    """A POST without `Content-Length` and not chunked (threat T50)."""


class TooSlow(HttpRefused):
    """The header or the body did not arrive in time (threat T52)."""


class HandshakeFailed(HttpRefused):
    """The connection never became TLS; only who speaks plain HTTP where TLS is spoken can be told so."""


class HeaderTooLarge(HttpRefused):
    """The header of the HTTP request is over the limit (threat T55)."""


class CodingNotSupported(HttpRefused):
    """A transfer coding other than `chunked` (threat T51)."""


class TooBusy(MessageRefused):
    """The gateway has as much in hand as it may; the sender may try again."""


class NoSuchPath(MessageRefused):
    """Nothing is served under this path, or not what it names."""


class TokenRefused(MessageRefused):
    """No bearer token, or not one of a registered party (party door)."""


class MethodNotAllowed(MessageRefused):
    """Not a POST (threat T49)."""


class SoapEnvelopeRefused(MessageRefused):
    """Not a SOAP 1.1 envelope with one `SubmitServiceRequest` in it (threats T49, T57)."""


class SoapVersionMismatch(SoapEnvelopeRefused):
    """An envelope of another SOAP version (threat T49)."""


class SoapHeaderNotUnderstood(SoapEnvelopeRefused):
    """A SOAP header that must be understood, and is not (threat T49)."""


class NotAuthenticated(MessageRefused):
    """No signature, a bad one, or a certificate that does not prove the originator."""


class NotEntitled(MessageRefused):
    """The signer is known but may not use this door (CSP and ESI doors)."""


class NotOfOrganisation(NotEntitled):
    """The signer does not belong to the organisation whose TLS certificate the connection has."""


class NotValid(MessageRefused):
    """Not valid against its schema, or of a version or body that its header does not allow."""


class IdentityReused(MessageRefused):
    """The RequestID or MessageID was used before with other content (threat T40)."""


class NotDurable(MessageRefused):
    """The gateway cannot store or sign just now; the sender may try again.

    `reason` is for operators, on the command line and in the log: the database driver's words, and which database.
    Doors show `detail` alone.
    """

    def __init__(self, detail: str, findings: tuple[Finding, ...] = (), *, reason: str = "") -> None:
        super().__init__(detail, findings)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.detail}: {self.reason}" if self.reason else self.detail


class OurDefect(MessageRefused):
    """A defect of the gateway; the detail is a correlation id and nothing else."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a `MessageRefused` looks on the wire."""

    status: int
    title: str
    stage: str
    soap_fault: str
    soap_status: int = 500


REFUSALS: dict[type[MessageRefused], Refusal] = {
    NotSafeXml: Refusal(400, "The message is not acceptable XML", "parse", "Client"),
    TooLarge: Refusal(413, "The message is too large", "receive", "Client", 413),
    UnsupportedMedia: Refusal(415, "The media type is not supported", "receive", "Client", 415),
    ContentCoded: Refusal(415, "The content coding is not supported", "receive", "Client", 415),
    HttpRefused: Refusal(400, "The HTTP request is not acceptable", "receive", "Client"),
    LengthMissing: Refusal(411, "The length of the body is missing", "receive", "Client"),
    TooSlow: Refusal(408, "The request did not arrive in time", "receive", "Client"),
    HandshakeFailed: Refusal(400, "The TLS handshake failed", "handshake", "Client"),
    HeaderTooLarge: Refusal(431, "The header is too large", "receive", "Client"),
    CodingNotSupported: Refusal(501, "The transfer coding is not supported", "receive", "Client"),
    TooBusy: Refusal(503, "The gateway has too much in hand", "receive", "Server"),
    NoSuchPath: Refusal(404, "Not found", "receive", "Client"),
    TokenRefused: Refusal(401, "The token is missing or unknown", "receive", "Client"),
    MethodNotAllowed: Refusal(405, "The method is not allowed", "receive", "Client", 405),
    SoapEnvelopeRefused: Refusal(400, "The SOAP envelope is not acceptable", "receive", "Client"),
    SoapVersionMismatch: Refusal(415, "The SOAP version is not supported", "receive", "VersionMismatch"),
    SoapHeaderNotUnderstood: Refusal(400, "A SOAP header is not understood", "receive", "MustUnderstand"),
    NotAuthenticated: Refusal(401, "The signature does not prove the originator", "verify", "Client"),
    NotEntitled: Refusal(403, "The sender may not use this door", "authorise", "Client"),
    NotOfOrganisation: Refusal(403, "The sender does not belong to the connection's organisation", "verify", "Client"),
    NotValid: Refusal(400, "The message is not valid", "validate", "Client"),
    IdentityReused: Refusal(409, "The identifier was used before", "known", "Client"),
    NotDurable: Refusal(503, "The gateway cannot take messages now", "store", "Server"),
    OurDefect: Refusal(500, "The gateway failed", "unknown", "Server"),
}


def refusal_of(error: MessageRefused) -> Refusal:
    """Return how this error looks on the wire; the nearest class of the tree decides."""
    for kind in type(error).__mro__:
        if kind in REFUSALS:
            return REFUSALS[kind]
    return REFUSALS[OurDefect]
