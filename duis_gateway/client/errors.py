"""What can go wrong for a party, as one small tree; each error says what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from duis_gateway.errors import Finding, GatewayError

__all__ = [
    "CannotSend",
    "ClientError",
    "Finding",
    "IdReused",
    "NoAnswer",
    "NotListening",
    "NotNow",
    "NotProven",
    "NotUnderstood",
    "Problem",
    "Refused",
    "SetupWrong",
    "TlsFailed",
]


class ClientError(GatewayError):
    """The base of every error of this package: what happened, and what to do."""

    what_to_do = "see the text"

    def __init__(self, detail: str, what_to_do: str | None = None) -> None:
        self.detail = detail
        if what_to_do is not None:
            self.what_to_do = what_to_do
        super().__init__(f"{detail} ({self.what_to_do})")


class SetupWrong(ClientError):
    """A key, a certificate, a file, a URL, a port or another argument cannot be used; nothing was sent."""

    what_to_do = "correct the file or the argument that the text names"


class CannotSend(ClientError):
    """The message cannot carry what it was given, so it was not sent."""

    what_to_do = "correct the value; nothing was sent"


class NoAnswer(ClientError):
    """The gateway could not be reached, or broke off: it may have taken the message, or not."""

    what_to_do = "post the same prepared message again: a repeat gets the first answer and does nothing twice"


class NotListening(NoAnswer):
    """Nobody listens at the gateway's URL; nothing was sent."""

    what_to_do = "check the gateway's URL and that it is running, and post the same prepared message again"


class TlsFailed(NotListening):
    """TLS was not agreed on with who listens there, nor will it be another time; nothing was taken in.

    `lacks` is the argument that is missing or wrong: "authorities" or "tls"; "" where it is none of them.
    """

    what_to_do = "check the gateway's URL, and what the text says about TLS"

    def __init__(self, detail: str, lacks: str = "", what_to_do: str | None = None) -> None:
        self.lacks = lacks
        super().__init__(detail, what_to_do or _FOR_TLS.get(lacks))


_FOR_TLS = {
    "authorities": "name a file with the authorities for the gateway's TLS certificate (authorities=), and use a host "
    "name that the certificate has",
    "tls": "name a client certificate that the gateway's operator accepts, with its key (tls=TlsIdentity(...))",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What the gateway says of a message that it refuses: RFC 9457 problem details, or a SOAP 1.1 fault."""

    status: int
    title: str
    detail: str
    findings: tuple[Finding, ...] = ()
    retry_after: float | None = None
    body: bytes = b""
    kind: str = ""

    @property
    def is_of_message(self) -> bool:
        """Whether the gateway has judged the message; not so where a token, an address or its own state is in the way.

        What is no gateway (a proxy, a web server) has judged nothing either.
        """
        return self.kind.removeprefix(_KIND) in _OF_MESSAGE

    @property
    def in_words(self) -> str:
        """What it says, in one line, with each finding."""
        where = (f"{one.path}: {one.reason}" for one in self.findings)
        return "; ".join((self.detail or self.title, *where))


class Refused(ClientError):
    """The gateway refused the message before taking it in; nothing has changed there.

    A response code (`E...`) is not this error: it stands in a signed `Answer`.
    """

    what_to_do = "correct the message and send it under a new identity"

    def __init__(self, problem: Problem, what_to_do: str | None = None) -> None:
        self.problem = problem
        if problem.status in _ELSEWHERE:
            what_to_do = what_to_do or "a gateway never redirects, so this is not one: check its URL"
        elif problem.status < HTTPStatus.MULTIPLE_CHOICES:
            what_to_do = what_to_do or "a gateway's 200 is always signed, so this is not one: check its URL"
        super().__init__(f"HTTP {problem.status}: {problem.in_words}", what_to_do or _WHAT_TO_DO.get(problem.status))

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status


class NotNow(Refused):
    """The gateway cannot take messages just now; `problem.retry_after` are the seconds it asks for."""

    what_to_do = "post the same prepared message again a little later"


class NotProven(ClientError):
    """What came does not carry the signature of somebody who is trusted to speak for the gateway."""

    what_to_do = "do not act on it; if it is genuine, the Trust lacks the gateway's certificate or its CA"


class NotUnderstood(ClientError):
    """What came is signed by the gateway, and is not a message that this party can read."""

    what_to_do = "check whether this version of duis-gateway is older than the gateway's"


class IdReused(ClientError):
    """A ResponseID or MessageID came before with other content."""

    what_to_do = "tell the gateway's operator; the first message stands"


_KIND = "urn:duis-gateway:problem:"
_OF_MESSAGE = frozenset(
    {
        "identity-reused",
        "not-authenticated",
        "not-entitled",
        "not-of-organisation",
        "not-safe-xml",
        "not-valid",
        "too-large",
    }
)
"""The kinds of problem that speak of the message itself."""
_ELSEWHERE = range(300, 400)
_WHAT_TO_DO: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "check that the certificate is registered with the gateway (its operator does that), "
    "valid and not revoked, and that nothing changed the document after it was signed",
    HTTPStatus.FORBIDDEN: "this party may not send this here: check whose key signs it, and ask the gateway's "
    "operator what kind of party it is, and whether it is active",
    HTTPStatus.NOT_FOUND: "check the gateway's URL",
    HTTPStatus.CONFLICT: "this identity was used for another message: send this one under a new identity",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "make it shorter; send a CSP's or DCC's list in parts",
}
