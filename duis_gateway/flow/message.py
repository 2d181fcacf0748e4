"""What a message is between the steps: one frozen dataclass per step, made only by that step.

A step takes the previous step's dataclass, so that none can be skipped (design section 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from duis_gateway.duis.identifiers import MessageIdentity
from duis_gateway.duis.service_requests.request import AnyRequest
from duis_gateway.envelope.parse import Document
from duis_gateway.flow.incoming import Incoming
from duis_gateway.flow.reply import Reply, Send
from duis_gateway.parties.records import Party
from duis_gateway.partners.messages import AnyMessage

Message = AnyRequest | AnyMessage


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is safe to look at; nothing in it is proven yet."""

    incoming: Incoming
    root: etree._Element
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Verified:
    """A proven message. `document` is all that is read from here on; `incoming.body` is kept as evidence only."""

    incoming: Incoming
    received_at: datetime
    document: Document
    digest: bytes
    identity: MessageIdentity


@dataclass(frozen=True, slots=True)
class Admitted:
    """A proven message whose originator may use this door; `party` is the originator as registered, or None."""

    verified: Verified
    party: Party | None


@dataclass(frozen=True, slots=True)
class Validated:
    """A message that is valid against its schema; `party` is the originator as registered, or None."""

    incoming: Incoming
    received_at: datetime
    digest: bytes
    identity: MessageIdentity
    message: Message
    party: Party | None


@dataclass(frozen=True, slots=True)
class Authorised:
    """A message whose originator was checked. `refusal` is the DUIS code if it is not allowed."""

    incoming: Incoming
    received_at: datetime
    digest: bytes
    identity: MessageIdentity
    message: Message
    party: Party | None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A message that was handled: its changes are made in the open transaction; answer and sends are yet unsigned."""

    authorised: Authorised
    reply: Reply
    sends: tuple[Send, ...] = ()
    release_changed: bool = False
