"""From the emails of a decision to rows of the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.duis.alerts.words import Facts
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.reply import Email, Send
from duis_gateway.machine.identities import new_identity
from duis_gateway.operations import flags
from duis_gateway.outbox.emails.attachments import attached
from duis_gateway.outbox.emails.beside_alerts import emails_beside
from duis_gateway.outbox.emails.facts import release_facts
from duis_gateway.outbox.emails.rendering import CONTENT_TYPE, EmailContent, Envelope, render
from duis_gateway.outbox.not_arrived import order_key
from duis_gateway.outbox.store import OutboxMessage
from duis_gateway.parties.records import is_email_address
from duis_gateway.rollout.releases import store as releases

NO_ADDRESS = "no email address"
"""The operator's flag for an email that cannot be sent to anybody."""

_FLAGS_REMEMBERED = 200
_UNORDERED = frozenset(kind.code for kind in ALERTS.values() if not kind.ordered)


@dataclass(frozen=True, slots=True)
class EmailTerms:
    """What the configuration says about emails: whom they come from, and how many hubs one may list."""

    sender: str | None = None
    attachment_hubs: int = 50_000


DEFAULT_TERMS = EmailTerms()


def email_rows(
    sends: Sequence[Send], conn: Connection, gateway: int, at: datetime, terms: EmailTerms
) -> Iterator[OutboxMessage]:
    """Yield the outbox rows for the emails among what is sent, and for those that accompany its alerts (N999).

    A party without an address gets none: a flag tells the operator.
    """
    facts: dict[str, Facts] = {}
    for email in (*(send for send in sends if isinstance(send, Email)), *emails_beside(sends)):
        address = email.recipient.email
        if not address or not is_email_address(address):
            _flag_no_address(email, conn, at)
            continue
        release_id = email.release_id
        if release_id is not None and release_id not in facts:
            release = releases.find(conn, release_id)
            facts[release_id] = () if release is None else release_facts(release)
        yield _email(email, address, facts.get(release_id or "", ()), conn, gateway, at, terms)


def _email(
    email: Email, address: str, facts: Facts, conn: Connection, gateway: int, at: datetime, terms: EmailTerms
) -> OutboxMessage:
    """Return an email's row.

    It keeps its order among the emails to its recipient about its release, but waits for no alert.
    """
    message_id = new_identity()
    extra = attached(email, conn, terms.attachment_hubs)
    own = {label for label, _ in email.facts}
    content = EmailContent(
        to=address,
        subject=email.subject,
        paragraphs=(*email.paragraphs, extra.words) if extra.words else email.paragraphs,
        facts=(*email.facts, *(fact for fact in facts if fact[0] not in own)),
        footer=f"From the DUIS gateway {format_eui(gateway)} to {email.recipient.name}. Nobody reads replies to this "
        "email.",
        file=extra.file,
    )
    ordered = email.release_id is not None and email.kind not in _UNORDERED
    return OutboxMessage(
        recipient=email.recipient.eui,
        channel="email",
        kind=email.kind,
        message_id=message_id,
        content=render(content, Envelope(message_id, at, terms.sender, email.kind, email.release_id)),
        content_type=CONTENT_TYPE,
        release_id=email.release_id,
        device_id=None,
        order_key=order_key(email.recipient.name, email.release_id, "email") if ordered else None,
        created_at=at,
        address=address,
    )


def _flag_no_address(email: Email, conn: Connection, at: datetime) -> None:
    """Tell the operator of an email that cannot be sent; once, while the flag is among the newest."""
    about = f" of {email.release_id}" if email.release_id else ""
    why = "has no usable address" if email.recipient.email else "has no address"
    flag = (NO_ADDRESS, email.recipient.name, f"{email.kind}{about} is not sent by email: the party {why}")
    shown = {(one.kind, one.subject, one.text) for one in flags.newest(conn, _FLAGS_REMEMBERED)}
    if flag not in shown:
        flags.raise_flags(conn, [flag[:2]], at, flag[2])
