"""What every decision is given, and the answers that several of them give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.flow.reply import PartnerSend
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.messages import Acknowledgement, AcknowledgementStatus, PartnerBody, PartnerMessage
from duis_gateway.rollout.activations.records import RefusedItem


@dataclass(frozen=True, slots=True)
class Moment:
    """The transaction and the business time (UTC): all that is given where time itself brings something about."""

    conn: Connection
    now: datetime
    lock: Callable[[Connection, str], None]

    def exclude_others(self, subject: str) -> None:
        """Let no other writer decide about this release (or other subject) until the transaction ends."""
        self.lock(self.conn, subject)

    def registered(self, kind: PartyKind) -> list[Party]:
        """Return the parties of a kind; a suspended one is still told, for what concerns it happens all the same."""
        return parties.all_parties(self.conn, kind)


@dataclass(frozen=True, slots=True)
class Context:
    """The transaction, the authorised sender, and the business time of receipt (UTC)."""

    conn: Connection
    party: Party
    now: datetime
    lock: Callable[[Connection, str], None]

    @property
    def moment(self) -> Moment:
        """The same, whoever the sender is."""
        return Moment(self.conn, self.now, self.lock)

    def exclude_others(self, subject: str) -> None:
        """Let no other writer decide about this release (or other subject) until the transaction ends."""
        self.moment.exclude_others(subject)

    def registered(self, kind: PartyKind) -> list[Party]:
        """Return the parties of a kind; a suspended one is still told, for what concerns it happens all the same."""
        return self.moment.registered(kind)


def to_each(recipients: list[Party], body: Callable[[Party], PartnerBody], release_id: str) -> tuple[PartnerSend, ...]:
    """Return one message for each recipient."""
    return tuple(PartnerSend(party, body(party), release_id) for party in recipients)


def accepted(message: PartnerMessage, items: Sequence[RefusedItem] = (), text: str | None = None) -> Acknowledgement:
    """Return the acknowledgement of a message that is taken, whole or without the items named."""
    status = AcknowledgementStatus.PARTLY_ACCEPTED if items else AcknowledgementStatus.ACCEPTED
    return Acknowledgement(message.message_id, status, status.value, text, tuple(items))


def refused(message: PartnerMessage, code: str, text: str, items: Sequence[RefusedItem] = ()) -> Acknowledgement:
    """Return the acknowledgement of a message that is refused as a whole; nothing comes of it."""
    return Acknowledgement(message.message_id, AcknowledgementStatus.REFUSED, code, text, tuple(items))
