"""How what goes out looks: messages for partners by their interface, and emails."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.decision import Email
from duis_gateway.model.parties import PartyKind
from duis_gateway.partner_messages import PartnerBody


def render_partner_message(kind: PartyKind, message_id: str, sender: int, at: datetime, body: PartnerBody) -> bytes:
    """Return the unsigned, canonical `Message` for a CSP or for DCC."""
    render = csp.render_message if kind is PartyKind.CSP else esi.render_message
    return render(message_id, sender, at, body)


def render_email(email: Email, message_id: str, at: datetime) -> bytes:
    """Return the whole email (RFC 5322)."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = email.subject
    if email.recipient.email:
        message["To"] = email.recipient.email
    message["Date"] = at
    message["Message-ID"] = f"<{message_id}@duis-gateway>"
    facts = "\n".join(f"{name}: {value}" for name, value in email.facts)
    message.set_content("\n\n".join((*email.paragraphs, facts)) + "\n")
    return message.as_bytes()
