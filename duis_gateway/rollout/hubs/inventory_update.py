"""ESI `InventoryUpdate`: what DCC's inventory says of hubs now (design section 7, "Inventory changes")."""

from __future__ import annotations

from collections.abc import Mapping

import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.hubs import identities, pairs
from duis_gateway.rollout.hubs.changes import change, look
from duis_gateway.rollout.hubs.records import Hub

_SAID = {
    "device_id": "it",
    "gpf_device_id": "its GPF",
    "import_supplier": "its Import Supplier",
    "gas_supplier": "its Gas Supplier",
}


@handles(Door.ESI, esi.InventoryUpdate, "A04", "A05")
def receive_inventory(message: PartnerMessage[esi.InventoryUpdate], tx: Tx) -> Acknowledgement:
    """Bring hubs up to date, or add them, and their GPFs with them.

    A device that is no Communications Hub, one that is named twice, and one that cannot have its GPF are refused; so is
    one whose EUI-64s are a party's, or nobody's.
    """
    registered = identities.kinds(party for kind in PartyKind for party in tx.registered(kind))
    before = look(tx, message.body.hubs)
    seen: set[int] = set()
    good, bad = [], []
    for hub in message.body.hubs:
        was = before.known.get(hub.device_id)
        if was is not None and not is_hub(was):
            bad.append(RefusedItem(format_eui(hub.device_id), "the inventory has it as another type of device"))
        elif hub.device_id in seen:
            bad.append(RefusedItem(format_eui(hub.device_id), "named twice; only the first one counts"))
        elif fault := _misnamed(hub, registered):
            bad.append(RefusedItem(format_eui(hub.device_id), fault))
        else:
            good.append(before.resolved(hub))
        seen.add(hub.device_id)
    unpairable = pairs.unpairable(good, before.known, before.hubs_of)
    bad += [RefusedItem(format_eui(device_id), reason) for device_id, reason in unpairable.items()]
    good = [hub for hub in good if hub.device_id not in unpairable]
    if not good:
        return refused(message, "NoHubAcceptable", "No hub in the message is acceptable.", bad)
    change(tx, good, before)
    return accepted(message, bad)


def _misnamed(hub: Hub, registered: Mapping[int, PartyKind]) -> str:
    """Return which of a hub's EUI-64s cannot be what they are given for; empty: all can."""
    suppliers = (hub.import_supplier, hub.gas_supplier)
    found = identities.faults(hub.device_id, hub.gpf, suppliers, registered)
    return "; ".join(f"{_SAID[column]} {fault}" for column, fault in found)
