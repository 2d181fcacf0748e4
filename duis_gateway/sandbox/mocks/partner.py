"""A partner: who it is, how it proves messages, and what it has received."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from duis_gateway.clock import Clock
from duis_gateway.envelope.parse import ElementCaps, ShapeLimits, parse_document
from duis_gateway.envelope.schema import Schema
from duis_gateway.envelope.signature import Proven, SigningKey, verify
from duis_gateway.errors import IdentityReused, MessageRefused, NotAuthenticated
from duis_gateway.partners.messages import AnyMessage, Interface
from duis_gateway.sandbox.mocks.record import Recorder
from duis_gateway.sandbox.mocks.trust import KnownSigners, Signers

REFUSED = "Refused"


@dataclass(frozen=True)
class Identity:
    """Who the partner is on the wire, and how it reads and signs."""

    eui: int
    gateway: int
    key: SigningKey
    interface: Interface
    schema: Schema
    signers: KnownSigners
    clock: Clock
    caps: ElementCaps

    def prove(self, raw: bytes) -> tuple[AnyMessage, Proven]:
        """Return the message in these bytes: signed by the gateway, valid, and of the sender that signed it.

        Raises:
            MessageRefused: it is not; the detail says why.
        """
        root = parse_document(raw, ShapeLimits(), self.caps)
        signers = Signers(self.signers)
        proven = verify(root, signers.public_key_of)
        message = self.interface.read_message(self.schema.check(proven.content))
        if message.sender != signers.found[0].eui:
            raise NotAuthenticated("the certificate is of another party than SenderID")
        return message, proven


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery of a message: `repeat` where the same message had come before."""

    message: AnyMessage
    at: datetime
    repeat: bool


@dataclass
class Inbox:
    """What the partner has received. A message is taken once, however often it is delivered."""

    identity: Identity
    recorder: Recorder
    take: Callable[[AnyMessage], None]
    deliveries: list[Received] = field(default_factory=list)
    _digests: dict[str, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, raw: bytes) -> Received:
        """Prove a message and take it, unless it was taken before.

        Raises:
            MessageRefused: not proven, not valid, or an id that came before with other content.
        """
        own, gateway = self.identity.eui, self.identity.gateway
        try:
            message, proven = self.identity.prove(raw)
            received = self._enter(message, proven.digest)
        except MessageRefused:
            self.recorder.record(gateway, own, REFUSED, raw)
            raise
        self.recorder.record(message.sender, own, message.body_name, raw)
        if not received.repeat:
            self.take(message)
        return received

    def _enter(self, message: AnyMessage, digest: bytes) -> Received:
        with self._lock:
            repeat = message.message_id in self._digests
            if self._digests.setdefault(message.message_id, digest) != digest:
                raise IdentityReused(f"MessageID {message.message_id} came before with other content")
            received = Received(message, self.identity.clock.now(), repeat)
            self.deliveries.append(received)
            return received
