"""The way to the gateway: a body is built, signed, posted, and the answer to it proven."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client import soap
from duis_gateway.client.answers import INTERFACES, Answer, read_answer
from duis_gateway.client.arguments import (
    clock_of,
    eui_of,
    expect,
    expect_callable,
    expect_seconds,
    expect_url,
    shown,
)
from duis_gateway.client.as_json import from_json
from duis_gateway.client.counters import Counter, TimeCounter
from duis_gateway.client.errors import CannotSend, NoAnswer, NotNow, SetupWrong, TlsFailed
from duis_gateway.client.http import Http, HttpAnswer, TlsIdentity
from duis_gateway.client.identity import Identity
from duis_gateway.client.problems import read_problem, refusal_of
from duis_gateway.client.requests import ServiceRequest, service_request
from duis_gateway.client.trust import Trust
from duis_gateway.clock import Clock, wait_after
from duis_gateway.duis.eui import Eui
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.service_requests.table import BODY_REFERENCES, SERVED
from duis_gateway.envelope.escape import escape_text
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import ALL_KNOWN, NotSafeXml, meant
from duis_gateway.machine.identities import new_identity
from duis_gateway.namespaces import CSP, ESI, SR
from duis_gateway.partners.messages import Direction, Interface, PartnerBody
from duis_gateway.partners.xml import format_time
from duis_gateway.text.urls import shown_url

DOORS = {
    "serviceD": "/api/v1/serviceD",
    "serviceS": "/api/v1/serviceS",
    "serviceT": "/api/v1/serviceT",
    "soap": "/soap",
    "csp": "/csp-mgmt-gw/v1/messages",
    "esi": "/esi/v1/messages",
}
"""The gateway's doors for messages, and their paths."""

Journal = Callable[[str, str, bytes], None]
"""Is told of each message as it went over the wire: "sent" or "received", its kind, and its bytes."""

_COUNTERS = 2**64
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0
_SENT = {
    namespace: {name for name, way in directions.items() if way is Direction.IN}
    for namespace, directions in ((CSP, csp.DIRECTIONS), (ESI, esi.DIRECTIONS))
}
"""The bodies that CSPs and DCC send."""
_DOOR_OF = {SR: "serviceD", CSP: "csp", ESI: "esi"}


@dataclass(frozen=True)
class Prepared:
    """A signed message, ready to be posted, and to be posted again as it is: the repeat gets the first answer.

    Attributes:
        kind: `SR11.5`, or the name of a partner's message.
        id: its RequestID or MessageID.
        document: the signed document.
        door: where it goes, a key of `DOORS`.
    """

    kind: str
    id: str
    document: bytes = field(repr=False)
    door: str

    @property
    def wire(self) -> bytes:
        """The body of the HTTP request."""
        return soap.into_envelope(self.document) if self.door == "soap" else self.document

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the HTTP request."""
        return soap.HEADERS if self.door == "soap" else _XML

    @property
    def answer(self) -> str:
        """The kind of its answer."""
        return "Acknowledgement" if self.door in ("csp", "esi") else "RESPONSE"


REFUSAL = "REFUSAL"
"""The kind under which the journal gets an answer that is no 200."""

_XML = {"Content-Type": "application/xml"}


class Gateway:
    """A gateway, as one party sees it; may be used by any number of threads at a time.

    A supplier sends Service Requests (`PreferredPilotList`, ...), a CSP the bodies of `csp_mgmt_gw.messages`, DCC those
    of `esi.messages`. `counter` makes the numbers of RequestIDs, `message_ids` the
    MessageIDs of partners' messages: each has to be new.
    """

    def __init__(
        self,
        url: str,
        *,
        identity: Identity,
        trust: Trust,
        eui: str | int | None = None,
        version: str = "6.0",
        counter: Counter | None = None,
        soap: bool = False,
        timeout: float = 60.0,
        authorities: Path | str | None = None,
        tls: TlsIdentity | None = None,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Take where the gateway is, who we are, and whom we believe.

        Args:
            url: the gateway's public listener; paths are added to it.
            identity: who signs.
            trust: whose answers are believed.
            eui: the gateway's EUI-64; needed only where the trust has more than one that signs for DCC.
            version: the DUIS version of Service Requests.
            counter: of RequestIDs, by time unless given (`FileCounter` for several processes).
            soap: whether Service Requests go in a SOAP envelope.
            timeout: seconds that one exchange may take.
            authorities: a PEM file of the CAs for TLS, where the system's are not enough.
            tls: the client certificate and key, where the gateway asks for one.
            clock: what messages are dated by.
            journal: is told of every message on the wire.

        Raises:
            SetupWrong: no `eui`, and the trust does not say which it is; a file of TLS cannot be used; or what is given
                is of another kind.
        """
        self.url = gateway_url(url)
        expect("identity", identity, Identity, "an Identity (`Identity.load`)")
        expect("trust", trust, Trust, "a Trust (`Trust.folder`, `Trust.certificate`)")
        expect("version", version, str, "the DUIS version as a text, such as '6.0'")
        if counter is not None:
            expect_callable("counter", counter, "a FileCounter, or a function that returns a new number")
        if journal is not None:
            expect_callable("journal", journal, "a function of three arguments: the way, the kind and the bytes")
        self.identity = identity
        self.trust = trust
        self.eui = trust.gateway if eui is None else eui_of("eui", eui)
        self.version = version
        self.counter = TimeCounter() if counter is None else counter
        self._soap = soap
        self._http = Http(timeout, authorities, tls=tls)
        self._clock = clock_of(clock)
        self._journal = journal
        self.message_ids: Callable[[], str] = new_message_id
        self.closed = threading.Event()

    def close(self) -> None:
        """Let nobody wait any longer to try again; `closed` is the event that they wait for."""
        self.closed.set()

    def send(self, body: ServiceRequest | PartnerBody, *, patience: float = 0.0) -> Answer:
        """Build, sign and post a message, and return the proven answer (errors as `prepare` and `post`)."""
        return self.post(self.prepare(body), patience=patience)

    def prepare(self, body: ServiceRequest | PartnerBody, *, identity: str | None = None) -> Prepared:
        """Return the signed message under a new RequestID or MessageID, or under the one given.

        Raises:
            CannotSend: the body holds what the message cannot carry.
        """
        try:
            if isinstance(body, ServiceRequest):
                request_id = identity or self.new_request_id()
                content = service_request(request_id, self.version, body.reference, body.body())
                door = "soap" if self._soap else "serviceD"
                return Prepared(f"SR{body.reference}", request_id, self.identity.sign_canonical(content), door)
            interface, message_id = _interface_of(body), identity or self.message_ids()
            content = interface.render_message(message_id, self.identity.eui, self._clock.now(), body)
        except ValueError as error:
            raise CannotSend(str(error)) from None
        signed = self.identity.sign_canonical(content)
        return Prepared(type(body).__name__, message_id, signed, _DOOR_OF[interface.namespace])

    def prepare_json(self, value: object) -> Prepared:
        """Return the signed message whose body JSON has as an object with one member (docs/client.md has the mapping).

        It is what CSPs or DCC send where one of their messages has this name, and a Service Request otherwise.

        Raises:
            CannotSend: it is not what such a party can send; the text says where.
        """
        named = value.keys() if isinstance(value, Mapping) else set()
        namespace = next((one for one in _SENT if _SENT[one] & named), SR)
        if (
            namespace == SR
            and len(named) == 1
            and (unknown := [str(one) for one in named if one not in BODY_REFERENCES])
        ):
            names = [*(one.body for one in SERVED.values()), *(name for one in _SENT.values() for name in sorted(one))]
            raise CannotSend(
                f"no message {unknown[0][:80]!r} can be sent{meant(unknown[0], names, otherwise=ALL_KNOWN)}"
            )
        body = from_json(value, namespace)
        if namespace != SR:
            return self.sign(self.wrap(body))
        reference = BODY_REFERENCES[etree.QName(body).localname]
        content = etree.tostring(body, encoding="unicode")
        return self.sign(service_request(self.new_request_id(), self.version, reference, content))

    def sign(self, document: bytes) -> Prepared:
        """Return a `sr:Request` or partner's `Message` that somebody else wrote, signed as it is.

        Raises:
            CannotSend: it is neither.
        """
        return self.prepared(self.identity.sign(document))

    def prepared(self, document: bytes) -> Prepared:
        """Return a document that is signed already, or is to go unsigned, ready to be posted (CannotSend as `sign`)."""
        expect("a document to send", document, bytes, "bytes", CannotSend)
        try:
            root = parse_trusted(document)
        except NotSafeXml as error:
            raise CannotSend(error.detail) from None
        namespace = etree.QName(root).namespace or ""
        if namespace not in _DOOR_OF:
            raise CannotSend(f"{root.tag[:100]} is neither a DUIS Request nor a partner's Message")
        if namespace != SR:
            body = root.find("{*}Body/*")
            kind = "Message" if body is None else etree.QName(body).localname
            return Prepared(kind, root.findtext("{*}Header/{*}MessageID") or "", document, _DOOR_OF[namespace])
        reference = root.findtext("{*}Header/{*}ServiceReference") or ""
        door = "soap" if self._soap else "serviceD"
        return Prepared(
            f"SR{reference}" if reference else "Request", root.findtext("{*}Header/{*}RequestID") or "", document, door
        )

    def wrap(self, element: etree._Element, *, message_id: str | None = None) -> bytes:
        """Return an unsigned partner's message around a body element that somebody else wrote, right or wrong.

        Raises:
            CannotSend: the element is of neither interface.
        """
        return wrap(element, message_id or self.message_ids(), self.identity.eui, self._clock.now())

    def post(self, prepared: Prepared, *, patience: float = 0.0) -> Answer:
        """Post a message, and return the proven answer to it.

        For `patience` seconds it is posted again where the gateway cannot be reached or cannot take messages now,
        byte for byte the same, with growing waits.

        Raises:
            NoAnswer: the gateway could not be reached; TlsFailed of them at once, whatever the patience.
            NotNow: it cannot take messages now.
            Refused: it refuses this one.
            NotProven: what came back is not its signed answer to this message.
            NotUnderstood: it is signed, and says nothing that this party knows.
        """
        return self.read(prepared, self.exchange(prepared, patience=patience))

    def exchange(self, prepared: Prepared, *, patience: float = 0.0) -> HttpAnswer:
        """Post a message as `post` does, and return the HTTP answer, whatever it is; nothing of it is proven.

        Raises:
            NoAnswer: the gateway could not be reached.
        """
        expect("what is posted", prepared, Prepared, "what `prepare`, `sign` or `prepared` returned", CannotSend)
        if prepared.door not in list(DOORS):
            raise CannotSend(f"door must be one of {', '.join(DOORS)}, not {shown(prepared.door)}")
        expect_seconds("patience", patience, error=CannotSend)
        until = time.monotonic() + patience
        attempts = 0
        while True:
            attempts += 1
            try:
                answer = self._exchange(prepared)
                not_now = answer.status != HTTPStatus.OK and isinstance(refusal_of(answer), NotNow)
                asked = read_problem(answer).retry_after if not_now else None
                if not not_now or not self._waits(attempts, asked, until):
                    return replace(answer, attempts=attempts)
            except TlsFailed:
                raise
            except NoAnswer:
                if not self._waits(attempts, None, until):
                    raise

    def _waits(self, failures: int, asked: float | None, until: float) -> bool:
        """Wait for the next attempt; False: there is no time for one, or the gateway is closed to us."""
        wait = max(wait_after(failures, _FIRST_WAIT, _LONGEST_WAIT), asked or 0.0)
        return time.monotonic() + wait <= until and not self.closed.wait(wait)

    def _exchange(self, prepared: Prepared) -> HttpAnswer:
        self._tell("sent", prepared.kind, prepared.wire)
        answer = self._http.post(self.url + DOORS[prepared.door], prepared.wire, prepared.headers)
        self._tell("received", prepared.answer if answer.status == HTTPStatus.OK else REFUSAL, answer.body)
        return answer

    def read(self, prepared: Prepared, answer: HttpAnswer) -> Answer:
        """Return what an HTTP answer to this message proves (errors as `post`)."""
        if answer.status != HTTPStatus.OK:
            raise refusal_of(answer)
        document = soap.from_envelope(answer.body) if prepared.door == "soap" else answer.body
        return read_answer(self.trust.prove(document), prepared.id, answer.body, document)

    def new_request_id(self, target: str | int | None = None) -> str:
        """Return a RequestID that was never used: to the gateway unless another target is named.

        Raises:
            CannotSend: the target is no EUI-64, or what `counter` returned is no such number.
        """
        to = self.eui if target is None else eui_of("target", target, CannotSend)
        number = self.counter()
        expect("what the counter returns", number, int, "a whole number", CannotSend)
        if not 0 <= number < _COUNTERS:
            raise CannotSend(f"the counter returned {number}, which is not from 0 to 2^64 - 1")
        return str(RequestId(self.identity.eui, to, number))

    def _tell(self, way: str, kind: str, raw: bytes) -> None:
        if self._journal is not None:
            self._journal(way, kind, raw)


def gateway_url(url: str) -> str:
    """Return the gateway's own URL, as paths can be added to it (SetupWrong: it is none)."""
    expect_url(url, "the URL of the gateway's public listener")
    if "?" in url or "#" in url:
        raise SetupWrong(f"the gateway's URL {shown_url(url)} has a query or a fragment: leave that out")
    return base_of(url)


def base_of(url: str) -> str:
    """Return the gateway's own URL where one of its doors is named."""
    bare = url.rstrip("/")
    return next((bare.removesuffix(path) for path in DOORS.values() if bare.endswith(path)), bare)


def door_of(document: bytes) -> str | None:
    """Return the path of the door that a document goes to, by its namespace; None where no door is for it."""
    try:
        namespace = etree.QName(parse_trusted(document)).namespace or ""
    except NotSafeXml:
        return None
    return DOORS[_DOOR_OF[namespace]] if namespace in _DOOR_OF else None


def new_message_id() -> str:
    """Return a MessageID that no other message has."""
    return new_identity()


def wrap(element: etree._Element, message_id: str, sender: Eui, at: datetime) -> bytes:
    """Return an unsigned partner's message around a body element that somebody else wrote, right or wrong.

    Raises:
        CannotSend: the element is of neither interface.
    """
    expect("the body of a message", element, etree._Element, "an lxml element", CannotSend)
    namespace = etree.QName(element).namespace or ""
    if namespace == SR:
        what = etree.QName(element).localname[:60]
        raise CannotSend(f"sr:{what} alone is not a message: a supplier sends a whole sr:Request, with header and body")
    if namespace not in INTERFACES:
        lacks = f": it lacks the namespace, {CSP} or {ESI}" if not namespace else ""
        raise CannotSend(f"{element.tag[:100]} is not an element of a partner's interface{lacks}")
    header = (
        f"<MessageID>{escape_text(message_id)}</MessageID><SenderID>{sender}</SenderID>"
        f"<CreatedAt>{format_time(at)}</CreatedAt>"
    )
    root = parse_trusted(f'<Message xmlns="{namespace}"><Header>{header}</Header><Body/></Message>'.encode())
    root[1].append(element)
    return etree.tostring(root, method="c14n")


def _interface_of(body: PartnerBody) -> Interface:
    """Return the interface that has this very body: the two have bodies of the same names."""
    for interface in INTERFACES.values():
        if interface.carries(body):
            return interface
    raise ValueError(
        f"{type(body).__name__} is not a body: a supplier sends a Service Request such as ReadInventory(hub), a CSP or "
        "DCC a body of its interface"
    )
