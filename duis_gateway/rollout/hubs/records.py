"""Communications Hubs as the inventory knows them, and what a list of hubs is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Hub:
    """One device of the inventory.

    `told_version` is the firmware version that the hub's suppliers were last told of (the version at
    loading until then); `completed_at` is the time of the newest activation outcome recorded (UTC).
    """

    device_id: int
    device_type: str
    manufacturer: str
    model: str
    firmware_version: str
    status: str
    csp_region: str
    import_supplier: int | None
    gas_supplier: int | None
    told_version: str | None = None
    completed_at: datetime | None = None

    @property
    def suppliers(self) -> frozenset[int]:
        """The Responsible Suppliers: one or two distinct parties, or none."""
        return of_roles(self.import_supplier, self.gas_supplier)


class NamedHub(NamedTuple):
    """What the rules look at for one hub that a list names; a tuple, as lists hold 50,000 of them.

    `mark` is how the release marks the hub: "proving", "friendly", "excluded" or None. `in_progress` is
    true while an instruction for this hub stands under another live release.
    """

    device_id: int
    device_type: str
    status: str
    manufacturer: str
    model: str
    firmware_version: str
    csp_region: str
    import_supplier: int | None
    gas_supplier: int | None
    in_default_list: bool
    mark: str | None
    in_progress: bool

    @property
    def suppliers(self) -> frozenset[int]:
        """The Responsible Suppliers: one or two distinct parties, or none."""
        return of_roles(self.import_supplier, self.gas_supplier)


def of_roles(import_supplier: int | None, gas_supplier: int | None) -> frozenset[int]:
    """Return the Responsible Suppliers of a hub that has these in its two roles."""
    return frozenset(s for s in (import_supplier, gas_supplier) if s is not None)


class HubInRegion(NamedTuple):
    """A hub and the region whose CSP serves it; enough to route a list."""

    device_id: int
    csp_region: str
