"""ESI `Incident` (X04): a supplier's incident is marked and shown; it suspends nothing by itself (BR-6.2)."""

from __future__ import annotations

from functools import partial

import esi.messages as esi
from duis_gateway.decision import Decision
from duis_gateway.decisions.change import Said, happened
from duis_gateway.decisions.context import Context
from duis_gateway.firmware.lifecycle import Event
from duis_gateway.model.identifiers import format_eui
from duis_gateway.model.rollout import OpenIncident
from duis_gateway.partner_messages import PartnerMessage
from duis_gateway.store import rollout


def receive_incident(message: PartnerMessage, context: Context) -> Decision:
    """Keep an incident until DCC decides (X03), and raise a flag. The same reference again takes its place."""
    body = message.body
    assert isinstance(body, esi.Incident)
    new = OpenIncident(
        body.reference, body.supplier, body.release_id, body.severity, body.emergency_stop_requested, context.now
    )
    keep = partial(rollout.put_incident, new=new)
    return happened(message, context, body.release_id, Event.INCIDENT, Said(_words(body)), keep)


def _words(body: esi.Incident) -> str:
    stop = "; an emergency stop is requested" if body.emergency_stop_requested else ""
    return f"incident {body.reference} of {format_eui(body.supplier)}, severity {body.severity}{stop}"
