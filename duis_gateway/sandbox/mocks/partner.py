"""A partner, made with the adapter kit: who it is, its way to the gateway, and what it has received."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from duis_gateway.client import Answer, ClientError, Gateway, Message, NoAnswer, Prepared, Receiver
from duis_gateway.clock import Clock
from duis_gateway.errors import GatewayError
from duis_gateway.partners.messages import PartnerBody


class NoGateway(GatewayError):
    """The partner was not told where the gateway is, or could not reach it."""


@dataclass(frozen=True)
class Exchange:
    """One message to the gateway and what came back. `answer` is None unless it is proven and to this message."""

    message_id: str
    status: int
    content_type: str
    body: bytes
    attempts: int
    answer: Answer | None = None

    def summary(self) -> dict[str, Any]:
        """Return the exchange for people and tests, as JSON has it."""
        told: dict[str, Any] = {
            "message_id": self.message_id,
            "http_status": self.status,
            "attempts": self.attempts,
            "verified": self.answer is not None,
        }
        if self.answer is not None:
            told["status"] = self.answer.status
            told["code"] = self.answer.code
            told["text"] = self.answer.meaning or None
            told["refused"] = [{"item": one.item, "reason": one.reason} for one in self.answer.refused]
        return told


@dataclass
class Partner:
    """A CSP or DCC; may be used by any number of threads at a time."""

    gateway: Gateway
    receiver: Receiver
    clock: Clock
    deliveries: list[tuple[Message, datetime]] = field(default_factory=list)

    def receive(self, raw: bytes) -> None:
        """Take a message of the gateway, and keep each delivery of it (errors as `Receiver.receive`)."""
        self.deliveries.append((self.receiver.receive(raw), self.clock.now()))

    def send_body(self, body: PartnerBody, patience: float) -> Exchange:
        """Sign and send one of our own bodies (NoGateway as `send`)."""
        return self.send(self.gateway.prepare(body), patience)

    def send(self, prepared: Prepared, patience: float = 0.0) -> Exchange:
        """Post a message until it is answered, for `patience` seconds.

        Raises:
            NoGateway: nobody said where the gateway is, or it could not be reached in that time.
        """
        if not self.gateway.url:
            raise NoGateway("the gateway's URL is not known: start with --gateway, or POST /mock/v1/gateway")
        try:
            found = self.gateway.exchange(prepared, patience=patience)
        except NoAnswer as error:
            raise NoGateway(error.detail) from None
        try:
            answer = self.gateway.read(prepared, found)
        except ClientError:
            answer = None
        content_type = found.headers.get("content-type", "")
        return Exchange(prepared.id, found.status, content_type, found.body, found.attempts, answer)
