"""Who takes part in the demonstration, and which hubs there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from duis_gateway.duis.identifiers import format_eui_plain, parse_eui
from duis_gateway.parties.records import Role
from duis_gateway.rollout.hubs.records import Hub

GATEWAY = parse_eui("90-B3-D5-1F-30-00-00-02")
DCC = parse_eui("90-B3-D5-1F-30-00-00-0A")
CSP_NORTH = parse_eui("90-B3-D5-1F-30-00-00-07")
CSP_SOUTH = parse_eui("90-B3-D5-1F-30-00-00-08")
REGIONS = {CSP_NORTH: ("North", "4G North"), CSP_SOUTH: ("Central", "South", "4G Central", "4G South")}

_FIRST_SUPPLIER = parse_eui("90-B3-D5-1F-30-01-00-00")
_NEXT_SUPPLIER = 0x10000
_FIRST_HUB = parse_eui("00-DB-12-34-56-00-00-00")
_VERSIONS = (Decimal("6.0"), Decimal("5.4"), Decimal("5.0"), Decimal("6.0"))
_ALL_REGIONS = ("North", "Central", "South", "4G North", "4G Central", "4G South")


@dataclass(frozen=True, slots=True)
class Model:
    """A device model, the version that its hubs run, and the one that its release brings."""

    manufacturer: str
    model: str
    running: str
    released: str
    release_id: str


PILOTED = Model("106C", "433100AC", "9001", "9002", "SEC-2026-11-A")
LARGE = Model("106D", "433200BD", "8001", "8002", "SEC-2026-11-B")
SUCCESSOR = Model("106D", "433200BD", "8001", "8003", "SEC-2026-11-C")


@dataclass(frozen=True, slots=True)
class Supplier:
    """One supplier: its DUIS version says what it can send and be told."""

    eui: int
    duis_version: Decimal
    roles: frozenset[Role]

    @property
    def name(self) -> str:
        """Its EUI-64 as file names have it."""
        return format_eui_plain(self.eui)


def suppliers(count: int) -> list[Supplier]:
    """Return suppliers on DUIS 6.0, 5.4 and 5.0, the Gas Supplier (6.0) of hubs of the first, and more on 6.0."""
    versions = _VERSIONS + (Decimal("6.0"),) * (count - len(_VERSIONS))
    return [
        Supplier(
            _FIRST_SUPPLIER + number * _NEXT_SUPPLIER,
            version,
            frozenset({Role.GAS_SUPPLIER}) if number == 3 else frozenset(Role),
        )
        for number, version in enumerate(versions)
    ]


def piloted_hubs(count: int) -> int:
    """Return how many of the hubs are of the piloted model; the others are the large release's."""
    return max(250, min(count // 20, 2000))


def hubs(count: int, taking_part: list[Supplier]) -> Iterator[Hub]:
    """Yield the inventory: first the piloted model's hubs, shared out by a fixed pattern, then the large release's."""
    piloted = piloted_hubs(count)
    for number in range(count):
        model = PILOTED if number < piloted else LARGE
        importer, gas = _responsible(number, taking_part) if model is PILOTED else (taking_part[3], taking_part[3])
        yield Hub(
            device_id=_FIRST_HUB + number,
            device_type="CHF",
            manufacturer=model.manufacturer,
            model=model.model,
            firmware_version=model.running,
            status="InstalledNotCommissioned" if model is PILOTED and number % 50 == 49 else "Commissioned",
            csp_region=_ALL_REGIONS[number % len(_ALL_REGIONS)],
            import_supplier=importer.eui,
            gas_supplier=gas.eui,
        )


def _responsible(number: int, taking_part: list[Supplier]) -> tuple[Supplier, Supplier]:
    """Return the Import and the Gas Supplier: of ten hubs three are split between the first and the fourth."""
    first, second, third, fourth, *more = taking_part
    match number // 6 % 10:
        case 0 | 1 | 2:
            return first, first
        case 3 | 4 | 5:
            return first, fourth
        case 6:
            return second, second
        case 7:
            return third, third
        case 8:
            return third, second
    other = more[number // 60 % len(more)] if more else second
    return other, other
