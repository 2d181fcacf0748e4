"""Who is told: the suppliers responsible for a hub, about their own hubs alone (design section 7)."""

from __future__ import annotations

from collections.abc import Iterable

from duis_gateway.rollout.hubs.records import Hub, HubInRegion


def by_supplier(hubs: Iterable[Hub]) -> dict[int, list[int]]:
    """Return, for each supplier responsible for at least one of the hubs, its own hubs in their order."""
    told: dict[int, list[int]] = {}
    for hub in hubs:
        for supplier in hub.suppliers:
            told.setdefault(supplier, []).append(hub.device_id)
    return dict(sorted(told.items()))


def by_region(hubs: Iterable[HubInRegion | Hub]) -> dict[str, list[int]]:
    """Return the hubs of each CSP region in their order (PIA-D1: each CSP gets those of its regions)."""
    regions: dict[str, list[int]] = {}
    for hub in hubs:
        regions.setdefault(hub.csp_region, []).append(hub.device_id)
    return dict(sorted(regions.items()))


def within_regions(hubs: Iterable[HubInRegion], regions: frozenset[str]) -> list[int]:
    """Return the hubs that lie in one of a CSP's regions, in their order."""
    return [hub.device_id for hub in hubs if hub.csp_region in regions]


def responsible(hub: Hub) -> tuple[int, ...]:
    """Return the Responsible Suppliers of a hub, each once, in the order of their EUIs."""
    return tuple(sorted(hub.suppliers))
