"""Messages for partners: the recipient's kind decides the interface, and so the namespace."""

from __future__ import annotations

from datetime import datetime

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import PartnerBody


def render_partner_message(kind: PartyKind, message_id: str, sender: int, at: datetime, body: PartnerBody) -> bytes:
    """Return the unsigned, canonical `Message` for a CSP or for DCC."""
    render = csp.render_message if kind is PartyKind.CSP else esi.render_message
    return render(message_id, sender, at, body)
