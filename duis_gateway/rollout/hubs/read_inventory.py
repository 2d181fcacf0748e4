"""SRV 8.2, Read Inventory: a supplier looks at one of its own hubs."""

from __future__ import annotations

from duis_gateway.duis.codes import NO_SUCH_DEVICE, NOT_RESPONSIBLE, ROLE_NOT_ENTITLED, SUCCESS
from duis_gateway.duis.request_bodies import ReadInventory
from duis_gateway.duis.requests import ServiceRequest
from duis_gateway.flow.context import Context
from duis_gateway.flow.reply import Decision, ServiceAnswer
from duis_gateway.rollout.hubs import store as hubs


def read_inventory(request: ServiceRequest, context: Context) -> Decision:
    """Answer with the hub as the inventory has it; E19 where it has no such device, E4 where it is another's.

    The gateway's inventory holds neither UPRN nor MPxN nor property. A request that asks by these is valid and not
    served here, which is E2; E19 would say that no such device exists, which nobody looked for.
    """
    assert isinstance(request.body, ReadInventory)
    if request.body.device_id is None:
        return Decision(ServiceAnswer(ROLE_NOT_ENTITLED))
    hub = hubs.get(context.conn, request.body.device_id)
    if hub is None:
        return Decision(ServiceAnswer(NO_SUCH_DEVICE))
    if context.party.eui not in hub.suppliers:
        return Decision(ServiceAnswer(NOT_RESPONSIBLE))
    return Decision(ServiceAnswer(SUCCESS, inventory=(hub,)))
