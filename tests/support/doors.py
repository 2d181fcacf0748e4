"""A running public listener with a stand-in for the flow, and a client that sends bytes as they are."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

from lxml import etree

from duis_gateway.clock import Clock
from duis_gateway.doors.http import Edge, Route
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.messages import Handler, duis_routes, partner_routes
from duis_gateway.doors.server import Secured, Server
from duis_gateway.doors.soap import SoapDoor
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.envelope.signature import sign
from duis_gateway.flow.dry_run import Foretold
from duis_gateway.flow.incoming import Incoming
from duis_gateway.namespaces import PROBLEM, SOAP_ENVELOPE, SOAP_SERVICE, SR
from duis_gateway.operations.metrics import Metrics
from duis_gateway.pki.tls import server_context
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.views import PartyView
from duis_gateway.store.engine import Store
from tests.support.signing import KEY, SIGNED, check
from tests.support.tls_pki import Authority

SIZE = 200_000
ANSWER = sign(
    f'<sr:Response xmlns:sr="{SR}" xmlns:unused="urn:unused" schemaVersion="5.4"><sr:Header>'
    "<sr:ResponseCode>I99</sr:ResponseCode></sr:Header><sr:Body></sr:Body></sr:Response>".encode(),
    KEY,
)
NS = {"p": PROBLEM, "e": SOAP_ENVELOPE}


def nothing_to_check(incoming: Incoming, party: int) -> Foretold:
    """Takes the place of the dry run where nobody asks for one."""
    raise AssertionError(f"{party:016X} asked to check {incoming.body[:200]!r}")


def party_view(store: Store, clock: Clock) -> PartyView:
    """What parties see of this store; nothing can be signed, so that nothing can be protected."""
    return PartyView(store, clock, ProtectionLists(silent_moments(store, clock)))


def silent_moments(store: Store, clock: Clock) -> Moments:
    """Changes of this store of which there is nothing to tell: without a key nothing can be signed."""
    return Moments(store, clock, lambda: None, 95_000)


class StandIn:
    """Takes the flow's place: verifies a Service Request as the flow does, and gives one signed answer."""

    def __init__(self, act: Callable[[Incoming], bytes] | None = None) -> None:
        self.taken: list[Incoming] = []
        self.act = act or self._verify

    def __call__(self, incoming: Incoming) -> bytes:
        self.taken.append(incoming)
        return self.act(incoming)

    @staticmethod
    def _verify(incoming: Incoming) -> bytes:
        check(incoming.body)
        return ANSWER


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def problem(self, member: str) -> str:
        """A member of the problem details, in a problem document or a fault."""
        return str(etree.fromstring(self.body).xpath(f"string(//p:problem/p:{member})", namespaces=NS))

    def fault(self, name: str) -> str:
        """`faultcode` or `faultstring` of a fault."""
        return str(etree.fromstring(self.body).xpath(f"string(/e:Envelope/e:Body/e:Fault/{name})", namespaces=NS))


@dataclass
class Doors:
    """A running listener."""

    server: Server
    flow: StandIn
    metrics: Metrics
    tls: ssl.SSLContext | None = None
    """What clients speak TLS with, where the listener does."""

    @property
    def url(self) -> str:
        return self.server.url

    def post(self, path: str, body: bytes = SIGNED, media: str | None = "application/xml", **headers: str) -> Reply:
        """POST as an ordinary client does; `x_y` is the header X-Y."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if media is not None:
            sent["Content-Type"] = media
        return self.request("POST", path, body, sent)

    def soap(self, body: bytes, media: str = "text/xml; charset=utf-8", **headers: str) -> Reply:
        return self.post("/soap", body, media, **headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        address = self.server.host, self.server.port
        if self.tls is None:
            client = http.client.HTTPConnection(*address, timeout=20)
        else:
            client = http.client.HTTPSConnection(*address, timeout=20, context=self.tls)
        try:
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            client.close()

    def connect(self) -> socket.socket:
        """Open a connection, ready for HTTP."""
        return self.over(self.bare())

    def bare(self) -> socket.socket:
        """Open a connection, and say nothing on it."""
        return socket.create_connection((self.server.host, self.server.port), timeout=20)

    def over_with(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Open a connection for a client of one's own, which has not shaken hands."""
        return context.wrap_socket(
            self.bare(), server_hostname=self.server.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )

    def over(self, connection: socket.socket) -> socket.socket:
        """Return a connection with TLS on it, where the listener speaks that."""
        if self.tls is None:
            return connection
        return self.tls.wrap_socket(connection, server_hostname=self.server.host)

    def say_no_more(self, client: socket.socket) -> None:
        """Close a connection in one direction; the other still works, over TLS too."""
        socket.socket.shutdown(client, socket.SHUT_WR)

    def in_one_breath(self, sent: bytes) -> list[Reply]:
        """Send bytes and say no more, over TLS with the end of the handshake, all at once; return all answers."""
        with self.bare() as client:
            if self.tls is None:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                return replies(client)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.tls.wrap_bio(incoming, outgoing, server_hostname=self.server.host)
            while not _has_shaken_hands(tls):
                client.sendall(outgoing.read())
                incoming.write(client.recv(SIZE))
            tls.write(sent)
            with suppress(ssl.SSLWantReadError):
                tls.unwrap()
            client.sendall(outgoing.read())
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(SIZE):
                incoming.write(data)
            return _replies_in(BufferedReader(BytesIO(_decrypted(tls))))

    def raw(self, sent: bytes) -> list[Reply]:
        """Send bytes as they are on a connection of their own; return all answers until the server closes it."""
        with self.connect() as client:
            client.sendall(sent)
            return replies(client)


def replies(client: socket.socket) -> list[Reply]:
    """Read answers until the server closes the connection."""
    with client.makefile("rb") as stream:
        return _replies_in(stream)


def _replies_in(stream: BufferedReader) -> list[Reply]:
    found = []
    while stream.peek(1):
        found.append(_read_reply(stream))
    return found


def _has_shaken_hands(tls: ssl.SSLObject) -> bool:
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
        return True
    return False


def _decrypted(tls: ssl.SSLObject) -> bytes:
    """What came by TLS until there is no more."""
    found = b""
    with suppress(ssl.SSLZeroReturnError):
        while data := tls.read(SIZE):
            found += data
    return found


def _read_reply(stream: Any) -> Reply:
    status = int(stream.readline().split()[1])
    headers = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    return Reply(status, headers, stream.read(int(headers.get("content-length", "0"))))


@dataclass(frozen=True)
class OneContext:
    """What a listener speaks TLS with, from beginning to end."""

    made: ssl.SSLContext
    binds: bool = False

    def context(self) -> ssl.SSLContext:
        return self.made


_wires: list[tuple[Secured, ssl.SSLContext]] = []


@contextmanager
def over_tls(folder: Path) -> Iterator[None]:
    """Let `open_doors` open doors that speak TLS, meanwhile."""
    authority = Authority(folder)
    own = authority.issue("gateway")
    _wires.append((OneContext(server_context(own.certificate, own.key, None)), authority.trusting()))
    try:
        yield
    finally:
        _wires.pop()


@contextmanager
def open_doors(
    flow: StandIn | None = None,
    limits: ServerLimits | None = None,
    more: Callable[[Handler], Iterable[Route]] = lambda _handler: (),
    threads: int = 4,
    secured: Secured | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Doors]:
    """Run the public doors on a free port, in TLS where they are `secured`."""
    if secured is None and _wires:
        secured, tls = _wires[-1]
    flow = flow or StandIn()
    metrics = Metrics()
    soap = SoapDoor(flow, ShapeLimits(size=SIZE))
    routes = [*duis_routes(flow, SIZE), *partner_routes(flow, SIZE), soap.route(), *more(flow)]
    edge = Edge(routes, metrics)
    server = Server(edge, "127.0.0.1", 0, threads, limits or ServerLimits(body=SIZE), secured)
    server.start()
    try:
        yield Doors(server, flow, metrics, tls)
    finally:
        server.stop()


def envelope(request: bytes = SIGNED, header: bytes = b"", **parts: bytes) -> bytes:
    """A SOAP envelope around a request; `parts` replace what stands around it (`envelope`, `body`, `operation`)."""
    return b"".join(
        (
            b'<s:Envelope xmlns:s="%s"%s>' % (SOAP_ENVELOPE.encode(), parts.get("envelope", b"")),
            header,
            b"<s:Body%s>" % parts.get("body", b""),
            b'<g:SubmitServiceRequest xmlns:g="%s"%s>' % (SOAP_SERVICE.encode(), parts.get("operation", b"")),
            b"<g:ServiceRequest%s>" % parts.get("parameter", b""),
            request,
            b"</g:ServiceRequest>",
            parts.get("after_parameter", b""),
            b"</g:SubmitServiceRequest>",
            parts.get("after_operation", b""),
            b"</s:Body>",
            parts.get("after_body", b""),
            b"</s:Envelope>",
        )
    )


@dataclass
class AuditLines(logging.Handler):
    """Collects the audit lines written while it is attached."""

    records: list[logging.LogRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = object.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def fields(self, name: str) -> list[Any]:
        return [getattr(record, name) for record in self.records]


@contextmanager
def audited() -> Iterator[AuditLines]:
    """Collect the audit lines."""
    lines = AuditLines()
    logger = logging.getLogger("duis_gateway.audit")
    logger.addHandler(lines)
    try:
        yield lines
    finally:
        logger.removeHandler(lines)
