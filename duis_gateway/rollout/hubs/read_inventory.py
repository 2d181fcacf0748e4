"""SRV 8.2, Read Inventory: a supplier looks at one of its own hubs."""

from __future__ import annotations

from duis_gateway.duis.codes import NO_SUCH_DEVICE, NOT_RESPONSIBLE, ROLE_NOT_ENTITLED, SUCCESS
from duis_gateway.duis.service_requests.read_inventory import ReadInventory
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.reply import ServiceAnswer
from duis_gateway.flow.tx import Tx
from duis_gateway.rollout.hubs import store as hubs


@handles(Door.DUIS, ReadInventory)
def read_inventory(request: ServiceRequest[ReadInventory], tx: Tx) -> ServiceAnswer:
    """Answer with the hub as the inventory has it; E19 where it has no such device, E4 where it is another's.

    The gateway's inventory holds neither UPRN nor MPxN nor property. A request that asks by these is valid and not
    served here, which is E2; E19 would say that no such device exists, which nobody looked for.
    """
    if request.body.device_id is None:
        return ServiceAnswer(ROLE_NOT_ENTITLED)
    hub = hubs.get(tx.conn, request.body.device_id)
    if hub is None:
        return ServiceAnswer(NO_SUCH_DEVICE)
    if tx.party.eui not in hub.suppliers:
        return ServiceAnswer(NOT_RESPONSIBLE)
    return ServiceAnswer(SUCCESS, inventory=(hub,))
