"""Who takes part in end-to-end tests, and the hubs: lots of one device model each, owned in every way that matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from duis_gateway.parties.records import PartyKind, PartyStatus, Role

GATEWAY = "90-B3-D5-1F-30-00-00-02"
REGIONS = {
    "north": ("North", "4G North"),
    "south": ("Central", "South", "4G Central", "4G South"),
}
RUNNING, RELEASED = "9001", "9002"
MANUFACTURER = "106C"


@dataclass(frozen=True)
class Registration:
    """One party of the installation: who it is and how it is registered."""

    name: str
    eui: str
    kind: PartyKind
    roles: frozenset[Role] = frozenset()
    version: str = "5.0"
    published_schema_only: bool = False
    status: PartyStatus = PartyStatus.ACTIVE


_BOTH = frozenset(Role)
CAST = (
    Registration("dcc", "90-B3-D5-1F-30-00-00-0A", PartyKind.DCC),
    Registration("north", "90-B3-D5-1F-30-00-00-07", PartyKind.CSP),
    Registration("south", "90-B3-D5-1F-30-00-00-08", PartyKind.CSP),
    Registration("main", "90-B3-D5-1F-30-01-00-00", PartyKind.SUPPLIER, _BOTH, "6.0"),
    Registration("gas", "90-B3-D5-1F-30-02-00-00", PartyKind.SUPPLIER, frozenset({Role.GAS_SUPPLIER}), "6.0"),
    Registration("on54", "90-B3-D5-1F-30-03-00-00", PartyKind.SUPPLIER, _BOTH, "5.4"),
    Registration("on50", "90-B3-D5-1F-30-04-00-00", PartyKind.SUPPLIER, _BOTH, "5.0"),
    Registration(
        "published50", "90-B3-D5-1F-30-05-00-00", PartyKind.SUPPLIER, _BOTH, "5.0", published_schema_only=True
    ),
    Registration(
        "suspended", "90-B3-D5-1F-30-06-00-00", PartyKind.SUPPLIER, _BOTH, "6.0", status=PartyStatus.SUSPENDED
    ),
    Registration("roleless", "90-B3-D5-1F-30-07-00-00", PartyKind.SUPPLIER, version="6.0"),
    # Its first octet is above 7F: it does not fit a signed 64-bit integer either, and owns nothing.
    Registration("idle", "FF-B3-D5-1F-30-08-00-00", PartyKind.SUPPLIER, _BOTH, "6.0"),
)

_ALL_REGIONS = ("North", "Central", "South", "4G North", "4G Central", "4G South")
_LOT: tuple[tuple[str, int, str | None, str | None], ...] = (
    # name of the group, how many, Import Supplier, Gas Supplier
    ("own", 12, "main", "main"),
    ("split", 6, "main", "gas"),
    ("on54", 2, "on54", "on54"),
    ("on50", 2, "on50", "on50"),
    ("published", 2, "published50", "published50"),
    ("mixed", 2, "on50", "main"),
    ("import_only", 1, "main", None),
    ("suspended", 1, "suspended", "suspended"),
    ("uncommissioned", 2, "main", "main"),
    ("updated", 1, "main", "main"),
    ("no_hub", 1, "main", "main"),
    ("marked", 4, "main", "main"),
    ("nobody", 1, None, None),
)


@dataclass(frozen=True)
class Lot:
    """Hubs of one device model for one test, by how they are owned; regions go round."""

    number: int
    regions: dict[str, str]
    groups: dict[str, tuple[str, ...]]
    owners: dict[str, tuple[str, ...]]

    @property
    def model(self) -> str:
        return f"LOT-{self.number}"

    @property
    def release(self) -> str:
        return f"REL-{self.number}"

    def __getitem__(self, group: str) -> tuple[str, ...]:
        return self.groups[group]

    def within(self, *regions: str, of: tuple[str, ...] | None = None) -> list[str]:
        """Return the hubs in these regions, in order."""
        return [hub for hub in (self.regions if of is None else of) if self.regions[hub] in regions]

    def of_csp(self, csp: str, of: tuple[str, ...]) -> list[str]:
        return self.within(*REGIONS[csp], of=of)

    def of_supplier(self, supplier: str, of: list[str]) -> list[str]:
        return [hub for hub in of if supplier in self.owners[hub]]


def make_lot(number: int) -> Lot:
    regions: dict[str, str] = {}
    groups: dict[str, tuple[str, ...]] = {}
    owners: dict[str, tuple[str, ...]] = {}
    serial = count()
    for name, size, importer, gas in _LOT:
        ids = []
        for _ in range(size):
            position = next(serial)
            hub = f"00-DB-12-34-{number >> 8:02X}-{number & 0xFF:02X}-00-{position:02X}"
            regions[hub] = _ALL_REGIONS[position % len(_ALL_REGIONS)]
            owners[hub] = tuple(dict.fromkeys(one for one in (importer, gas) if one))
            ids.append(hub)
        groups[name] = tuple(ids)
    return Lot(number, regions, groups, owners)


def inventory_rows(lot: Lot) -> Iterator[tuple[str, ...]]:
    euis = {one.name: one.eui for one in CAST}
    owned = {name: (importer, gas) for name, _, importer, gas in _LOT}
    for group, ids in lot.groups.items():
        importer, gas = owned[group]
        for hub in ids:
            yield (
                hub,
                "GPF" if group == "no_hub" else "CHF",
                MANUFACTURER,
                lot.model,
                RELEASED if group == "updated" else RUNNING,
                "InstalledNotCommissioned" if group == "uncommissioned" else "Commissioned",
                lot.regions[hub],
                euis[importer] if importer else "",
                euis[gas] if gas else "",
            )
