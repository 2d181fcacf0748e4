"""A stand-in for the gateway, for tests of the mocks: takes signed messages over HTTP and acknowledges them, signed.

Its behaviour is a queue of things to do instead of accepting, one for each message to come.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec

from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.schema import Schema
from duis_gateway.envelope.signature import SignerReference, SigningKey, sign_canonical, verify
from duis_gateway.errors import MessageRefused
from duis_gateway.partners.messages import (
    Acknowledgement,
    AcknowledgementStatus,
    AnyMessage,
    Interface,
    PartnerBody,
)
from duis_gateway.pki.make import Authority, make_authority, make_certificate
from duis_gateway.pki.signing import load_signing_key
from duis_gateway.rollout.activations.records import RefusedItem
from schemas import schema_path
from tests.support.partner_bodies import NOW

GATEWAY = 0x90B3D51F30000002


@dataclass(frozen=True)
class Party:
    """A party's files and its key."""

    eui: int
    certificate: Path
    key_file: Path
    key: SigningKey

    @classmethod
    def make(cls, authority: Authority, eui: int, role: str, folder: Path) -> Party:
        made = make_certificate(authority, eui, role, folder)
        key, _ = load_signing_key(made.key_path, made.certificate_path)
        return cls(eui, made.certificate_path, made.key_path, key)


@dataclass(frozen=True)
class Pki:
    """A gateway, a partner and a stranger under one authority."""

    gateway: Party
    partner: Party
    stranger: Party

    @classmethod
    def make(cls, folder: Path) -> Pki:
        authority = make_authority(folder / "ca")
        return cls(
            Party.make(authority, GATEWAY, "89", folder / "gateway"),
            Party.make(authority, 0x90B3D51F30000007, "87", folder / "partner"),
            Party.make(authority, 0x90B3D51F30000666, "87", folder / "stranger"),
        )


@dataclass(frozen=True)
class Posted:
    """One message as it came: `message` is None where it did not prove itself."""

    path: str
    raw: bytes
    message: AnyMessage | None


@dataclass
class Gateway:
    """What came, and what to do next: an HTTP status to answer with, or "break" the connection.

    `stops` are items that every answer refuses, with their reasons.
    """

    interface: Interface
    own: Party
    partner: Party
    posted: Queue[Posted] = field(default_factory=Queue)
    orders: Queue[int | str] = field(default_factory=Queue)
    stops: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        self._schema = Schema(schema_path(self.interface.schema))

    def next(self) -> Posted:
        return self.posted.get(timeout=20)

    def signed(self, body: PartnerBody, message_id: str | None = None, *, by: Party | None = None) -> bytes:
        content = self.interface.render_message(message_id or str(uuid4()), self.own.eui, NOW, body)
        return sign_canonical(content, (by or self.own).key)

    def take(self, path: str, raw: bytes) -> tuple[int, bytes]:
        """Answer one message; refused ones get a 401 that is no signed message."""

        def public_key_of(_reference: SignerReference) -> ec.EllipticCurvePublicKey:
            return self.partner.key.private_key.public_key()

        try:
            root = parse_document(raw, ShapeLimits(), self.interface.element_caps(self.interface.names))
            content = verify(root, public_key_of).content
            message = self.interface.read_message(self._schema.check(content))
        except MessageRefused as refusal:
            self.posted.put(Posted(path, raw, None))
            return 401, f"<problem>{type(refusal).__name__}</problem>".encode()
        self.posted.put(Posted(path, raw, message))
        bad = tuple(RefusedItem(item, reason) for item, reason in self.stops.items())
        status = AcknowledgementStatus.PARTLY_ACCEPTED if bad else AcknowledgementStatus.ACCEPTED
        answer = Acknowledgement(message.message_id, status, status.value, None, bad)
        return 200, self.signed(answer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        order = None if self.gateway.orders.empty() else self.gateway.orders.get()
        if order == "break":
            self.gateway.posted.put(Posted(self.path, raw, None))
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if isinstance(order, int):
            self.gateway.posted.put(Posted(self.path, raw, None))
            status, body = order, b"<problem/>"
        else:
            status, body = self.gateway.take(self.path, raw)
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@contextmanager
def running(gateway: Gateway) -> Iterator[Gateway]:
    """Serve the gateway on a free port."""
    handler = type("Handler", (_Handler,), {"gateway": gateway})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, name="gateway")
        thread.start()
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()
