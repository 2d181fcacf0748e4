"""Communications Hubs as the inventory knows them, and what a list of hubs is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple


class NoGpf(Enum):
    """What is said of a hub that is to have no GPF (any more), where to say nothing leaves it its GPF."""

    SAID = ""


NO_GPF: Final = NoGpf.SAID


@dataclass(frozen=True, slots=True)
class Hub:
    """One device of the inventory.

    `told_version` is the firmware version that the hub's suppliers were last told of (the version at
    loading until then); `completed_at` is the time of the newest activation outcome recorded (UTC).
    `gpf_device_id` is the second device of a Communications Hub, its GPF. Of a hub as DCC or a file gives it, None
    says nothing, and `NO_GPF` that it has none.
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
    gpf_device_id: int | NoGpf | None = None

    @property
    def gpf(self) -> int | None:
        """The hub's GPF, None where it has none."""
        return self.gpf_device_id if isinstance(self.gpf_device_id, int) else None

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


@lru_cache(maxsize=1024)  # asked for each hub of a list, and the suppliers are few
def of_roles(import_supplier: int | None, gas_supplier: int | None) -> frozenset[int]:
    """Return the Responsible Suppliers of a hub that has these in its two roles."""
    return frozenset(s for s in (import_supplier, gas_supplier) if s is not None)


class HubInRegion(NamedTuple):
    """A hub and the region whose CSP serves it; enough to route a list."""

    device_id: int
    csp_region: str
