"""ESI `InventoryUpdate`: what DCC's inventory says of hubs now (design section 7, "Inventory changes").

What suppliers were told of a hub's version stays. Plans and alerts look at who is responsible when they are made, so
that a former supplier's instruction no longer counts: what that means for the plan of the hubs is told (X09), and what
it means for the second supplier of a split hub (N73).
"""

from __future__ import annotations

import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui, to_signed
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.replan import lock_releases_of, replan_hubs
from duis_gateway.rollout.second_suppliers.handle import alerts_on_changes, lost_by_former_suppliers


@handles(Door.ESI, esi.InventoryUpdate)
def receive_inventory(message: PartnerMessage[esi.InventoryUpdate], tx: Tx) -> Acknowledgement:
    """Bring hubs up to date, or add them. A device that is no Communications Hub, or named twice, is refused."""
    body = message.body
    ids = [hub.device_id for hub in body.hubs]
    models = hubs.models_of(tx.conn, ids).union((hub.manufacturer, hub.model) for hub in body.hubs)
    lock_releases_of(tx, models)
    known = hubs.get_many(tx.conn, ids)
    seen: set[int] = set()
    good, bad = [], []
    for hub in body.hubs:
        before = known.get(hub.device_id)
        if before is not None and not is_hub(before):
            bad.append(RefusedItem(format_eui(hub.device_id), "the inventory has it as another type of device"))
        elif hub.device_id in seen:
            bad.append(RefusedItem(format_eui(hub.device_id), "named twice; what came first counts"))
        else:
            good.append(hub)
        seen.add(hub.device_id)
    if not good:
        return refused(message, "NoHubAcceptable", "No hub of the message is acceptable.", bad)
    # Always in one order, so that two messages about the same hubs cannot wait for each other.
    good.sort(key=lambda hub: to_signed(hub.device_id))
    changed = [(known[hub.device_id], hub) for hub in good if _changes_supplier(known.get(hub.device_id), hub)]
    if changed:
        tx.send(alerts_on_changes(changed, tx))
    hubs.upsert(tx.conn, good)
    ids = [hub.device_id for hub in good]
    replan_hubs(tx, models, ids, lost=lambda release: lost_by_former_suppliers(release, changed, tx))
    return accepted(message, bad)


def _changes_supplier(before: Hub | None, after: Hub) -> bool:
    return before is not None and before.suppliers != after.suppliers
