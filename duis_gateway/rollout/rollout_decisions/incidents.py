"""ESI `Incident` (X04): a supplier's incident is marked and shown; it suspends nothing by itself (BR-6.2)."""

from __future__ import annotations

import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.tx import Tx
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.releases.change import Said, happened
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import OpenIncident


@handles(Door.ESI, esi.Incident, "X04")
def receive_incident(message: PartnerMessage[esi.Incident], tx: Tx) -> Acknowledgement:
    """Keep an incident until DCC decides (X03), and raise a flag. The same reference again takes its place."""
    body = message.body
    new = OpenIncident(
        body.reference, body.supplier, body.release_id, body.severity, body.emergency_stop_requested, tx.now
    )
    reply = happened(message, tx, body.release_id, Event.INCIDENT, Said(_words(body)))
    if reply.taken:
        rollout.put_incident(tx.conn, new)
    return reply


def _words(body: esi.Incident) -> str:
    stop = "; an emergency stop is requested" if body.emergency_stop_requested else ""
    return f"incident {body.reference} of {format_eui(body.supplier)}, severity {body.severity}{stop}"
