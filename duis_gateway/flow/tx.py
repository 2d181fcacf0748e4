"""The open transaction as a handler sees it, and the answers that several handlers give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.flow.reply import PartnerSend, Send
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.messages import (
    Acknowledgement,
    AcknowledgementStatus,
    AnyMessage,
    PartnerBody,
)
from duis_gateway.rollout.activations.records import RefusedItem


@dataclass(slots=True)
class Moment:
    """An open transaction and the business time (UTC): all there is when time itself makes something happen.

    Attributes:
        conn: the transaction; whatever is changed in it becomes durable as a whole, or not at all.
        now: the business time.
        lock: takes the lock on a subject.
        sends: what is to be sent, in this order; it is signed and put into the outbox before the commit.
        release_changed: a release's state has changed, so something may fall due at once.
    """

    conn: Connection
    now: datetime
    lock: Callable[[Connection, str], None]
    sends: list[Send] = field(default_factory=list, kw_only=True)
    release_changed: bool = field(default=False, kw_only=True)
    _registered: dict[PartyKind, list[Party]] = field(default_factory=dict, kw_only=True)

    def exclude_others(self, subject: str) -> None:
        """Let no other writer decide about this release (or other subject) until the transaction ends."""
        self.lock(self.conn, subject)

    def registered(self, kind: PartyKind) -> list[Party]:
        """Return the parties of a kind; a suspended one is still told, because what concerns it still happens."""
        found = self._registered.get(kind)
        if found is None:  # no message changes who is registered, so each kind is looked up only once
            found = self._registered[kind] = parties.all_parties(self.conn, kind)
        return found

    def send(self, sends: Iterable[Send]) -> None:
        """Send these, after what is already to be sent."""
        self.sends.extend(sends)


@dataclass(slots=True)
class Tx(Moment):
    """The same, with the authorised sender of a message; `now` is the time of its receipt."""

    party: Party


def to_each(recipients: list[Party], body: Callable[[Party], PartnerBody], release_id: str) -> tuple[PartnerSend, ...]:
    """Return one message for each recipient."""
    return tuple(PartnerSend(party, body(party), release_id) for party in recipients)


def accepted(message: AnyMessage, items: Sequence[RefusedItem] = (), text: str | None = None) -> Acknowledgement:
    """Return the acknowledgement of a message that is accepted, completely or without the items named."""
    status = AcknowledgementStatus.PARTLY_ACCEPTED if items else AcknowledgementStatus.ACCEPTED
    return Acknowledgement(message.message_id, status, status.value, text, tuple(items))


def refused(message: AnyMessage, code: str, text: str, items: Sequence[RefusedItem] = ()) -> Acknowledgement:
    """Return the acknowledgement of a message that is refused as a whole; it has no effect."""
    return Acknowledgement(message.message_id, AcknowledgementStatus.REFUSED, code, text, tuple(items))
