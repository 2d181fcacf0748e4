"""The way to the gateway: sign, send, try again with the same bytes, and prove the acknowledgement."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import urllib3
from lxml import etree

from duis_gateway.clock import wait_after
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.envelope.escape import escape_text
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.envelope.signature import sign
from duis_gateway.errors import GatewayError, MessageRefused
from duis_gateway.partners.messages import Acknowledgement, PartnerBody
from duis_gateway.partners.xml import format_time
from duis_gateway.sandbox.mocks.partner import REFUSED, Identity
from duis_gateway.sandbox.mocks.record import Recorder

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0
_RETRIED = frozenset({500, 502, 503, 504})
_TIMEOUT = urllib3.Timeout(connect=5, read=60)


class NoGateway(GatewayError):
    """The partner was not told where the gateway is, or could not reach it."""


@dataclass(frozen=True)
class Exchange:
    """One message to the gateway and what came back. `acknowledgement` is None unless it proved itself ours."""

    message_id: str
    status: int
    content_type: str
    body: bytes
    acknowledgement: Acknowledgement | None = None
    attempts: int = 1

    def summary(self) -> dict[str, Any]:
        """Return the exchange for people and tests, as JSON has it."""
        told: dict[str, Any] = {
            "message_id": self.message_id,
            "http_status": self.status,
            "attempts": self.attempts,
            "verified": self.acknowledgement is not None,
        }
        if self.acknowledgement is not None:
            told["status"] = str(self.acknowledgement.status)
            told["code"] = self.acknowledgement.code
            told["text"] = self.acknowledgement.text
            told["refused"] = [{"item": one.item, "reason": one.reason} for one in self.acknowledgement.refused]
        return told


@dataclass
class Link:
    """Sends messages to the gateway's door; may be used by any number of threads at a time."""

    identity: Identity
    recorder: Recorder
    path: str
    gateway_url: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=8, retries=False, timeout=_TIMEOUT)
    )

    def send_body(self, body: PartnerBody, patience: float) -> Exchange:
        """Sign and send one of our own bodies (NoGateway as `send`)."""
        message_id, name = new_message_id(), type(body).__name__
        content = self.identity.interface.render_message(message_id, self.identity.eui, self.identity.clock.now(), body)
        return self.send(message_id, name, sign(content, self.identity.key), patience)

    def wrap(self, element: etree._Element, message_id: str) -> bytes:
        """Return an unsigned message around a body element that somebody else wrote, whatever it is."""
        namespace, sender = self.identity.interface.namespace, format_eui(self.identity.eui)
        header = f"<MessageID>{escape_text(message_id)}</MessageID><SenderID>{sender}</SenderID>"
        created_at = f"<CreatedAt>{format_time(self.identity.clock.now())}</CreatedAt>"
        root = parse_trusted(
            f'<Message xmlns="{namespace}"><Header>{header}{created_at}</Header><Body/></Message>'.encode()
        )
        root[1].append(element)
        return etree.tostring(root, method="c14n")

    def send(self, message_id: str, kind: str, raw: bytes, patience: float = 0.0) -> Exchange:
        """Post these bytes until they are answered, for `patience` seconds; a repeat is byte for byte the same.

        Raises:
            NoGateway: nobody said where the gateway is, or it could not be reached in that time.
        """
        until = time.monotonic() + patience
        attempts = 0
        while True:
            attempts += 1
            try:
                exchange = self._post(message_id, kind, raw)
                if exchange.status not in _RETRIED or time.monotonic() >= until:
                    return replace(exchange, attempts=attempts)
            except urllib3.exceptions.HTTPError as error:
                if time.monotonic() >= until:
                    raise NoGateway(f"no answer from the gateway: {error}") from None
            if self.stop.wait(wait_after(attempts, _FIRST_WAIT, _LONGEST_WAIT)):
                raise NoGateway("the partner is being stopped")

    def _post(self, message_id: str, kind: str, raw: bytes) -> Exchange:
        if self.gateway_url is None:
            raise NoGateway("the gateway's URL is not known: start with --gateway, or POST /mock/v1/gateway")
        own, gateway = self.identity.eui, self.identity.gateway
        self.recorder.record(own, gateway, kind, raw)
        answer = self._pool.request(
            "POST",
            self.gateway_url.rstrip("/") + self.path,
            body=raw,
            headers={"Content-Type": "application/xml"},
            redirect=False,
        )
        content_type = answer.headers.get("Content-Type", "")
        exchange = Exchange(message_id, answer.status, content_type, answer.data)
        try:
            message, _ = self.identity.prove(answer.data)
        except MessageRefused:
            self.recorder.record(gateway, own, REFUSED, answer.data)
            return exchange
        self.recorder.record(gateway, own, message.body_name, answer.data)
        if isinstance(message.body, Acknowledgement) and message.body.message_id == message_id:
            return replace(exchange, acknowledgement=message.body)
        return exchange


def new_message_id() -> str:
    """Return an id that no other message has."""
    return str(uuid4())
