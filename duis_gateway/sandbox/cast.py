"""Who takes part in the sandbox, which hubs there are, and what is released for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from duis_gateway.duis.identifiers import format_eui, format_eui_plain, parse_eui
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.sandbox.demo.mailbox import address_of

GATEWAY = parse_eui("90-B3-D5-1F-30-00-00-02")
YOU = "you"

_BOTH = frozenset(Role)
_FIRST_HUB = parse_eui("00-DB-12-34-56-00-00-00")
_REGIONS = ("North", "Central", "South", "4G North", "4G Central", "4G South")
_FIRST_LETTER = ord("A")


@dataclass(frozen=True, slots=True)
class Member:
    """One party by the name that commands call it by; `about` says what it is for."""

    name: str
    eui: int
    kind: PartyKind
    about: str
    roles: frozenset[Role] = frozenset()
    duis_version: Decimal = DUIS_6_0
    regions: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Its EUI-64 as file names have it."""
        return format_eui_plain(self.eui)

    def registered(self, url: str) -> Party:
        """Return the party as the gateway registers it."""
        return Party(
            self.eui,
            self.kind,
            url,
            address_of(self.eui),
            roles=self.roles,
            duis_version=self.duis_version,
            regions=frozenset(self.regions),
        )


CAST = (
    Member(
        "north",
        parse_eui("90-B3-D5-1F-30-00-00-07"),
        PartyKind.CSP,
        "the CSP of the North",
        regions=("North", "4G North"),
    ),
    Member(
        "south",
        parse_eui("90-B3-D5-1F-30-00-00-08"),
        PartyKind.CSP,
        "the CSP of Central and South",
        regions=("Central", "South", "4G Central", "4G South"),
    ),
    Member("dcc", parse_eui("90-B3-D5-1F-30-00-00-0A"), PartyKind.DCC, "DCC's enterprise systems"),
    Member(YOU, parse_eui("90-B3-D5-1F-30-01-00-00"), PartyKind.SUPPLIER, "the supplier that is yours", _BOTH),
    Member(
        "gas",
        parse_eui("90-B3-D5-1F-30-02-00-00"),
        PartyKind.SUPPLIER,
        "the Gas Supplier of hubs whose Import Supplier is yours",
        frozenset({Role.GAS_SUPPLIER}),
    ),
    Member(
        "older",
        parse_eui("90-B3-D5-1F-30-03-00-00"),
        PartyKind.SUPPLIER,
        "a supplier whose DUIS knows N64 and nothing later",
        _BOTH,
        Decimal("5.4"),
    ),
    Member(
        "oldest",
        parse_eui("90-B3-D5-1F-30-04-00-00"),
        PartyKind.SUPPLIER,
        "a supplier whose DUIS does not know N64",
        _BOTH,
        Decimal("5.0"),
    ),
)

BY_NAME = {one.name: one for one in CAST}
BY_EUI = {one.eui: one for one in CAST}
CSPS = tuple(one for one in CAST if one.kind is PartyKind.CSP)
SUPPLIERS = tuple(one for one in CAST if one.kind is PartyKind.SUPPLIER)


def name_of(eui: int) -> str:
    """Return what commands call a party; a party of nobody's cast is called by its EUI-64."""
    if eui == GATEWAY:
        return "gateway"
    return BY_EUI[eui].name if eui in BY_EUI else format_eui(eui)


class Model(NamedTuple):
    """A device model, and the version that its hubs run at the beginning."""

    manufacturer: str
    model: str
    running: int


MODELS = (Model("106C", "433100AC", 9001), Model("106D", "433200BD", 8001))


class Upcoming(NamedTuple):
    """A release that DCC can announce."""

    release_id: str
    model: Model
    version: str

    def beside(self, announced: Iterable[tuple[str, str]]) -> Upcoming:
        """Return it with the next version that none of these, each a model and a version, has for its model."""
        taken = {version for model, version in announced if model == self.model.model}
        versions = (str(number) for number in count(int(self.version)))
        return self._replace(version=next(one for one in versions if one not in taken))


MOST_RELEASES = 26
"""How many releases the sandbox has a name for."""


def upcoming(number: int) -> Upcoming:
    """Return DCC's release of a number from 0: for the two models in turn, each a version higher than the last."""
    model = MODELS[number % len(MODELS)]
    letter = chr(_FIRST_LETTER + number)
    return Upcoming(f"SEC-2027-{letter}", model, str(model.running + 1 + number // len(MODELS)))


class Share(NamedTuple):
    """Hubs of consecutive numbers up to `last`, and who is responsible for them."""

    last: int
    import_supplier: str
    gas_supplier: str
    model: Model


SHARES = (
    Share(40, "you", "you", MODELS[0]),
    Share(60, "you", "gas", MODELS[0]),
    Share(80, "older", "older", MODELS[0]),
    Share(90, "oldest", "oldest", MODELS[0]),
    Share(100, "oldest", "older", MODELS[0]),
    Share(120, "you", "you", MODELS[1]),
)
NOT_COMMISSIONED = frozenset({40})


def device_id(number: int) -> int:
    """Return the EUI-64 of the hub of a number: its last digits are the number in hexadecimal."""
    return _FIRST_HUB + number


def hubs() -> Iterator[Hub]:
    """Yield the inventory, by number."""
    number = 0
    for share in SHARES:
        while number < share.last:
            number += 1
            yield Hub(
                device_id=device_id(number),
                device_type="CHF",
                manufacturer=share.model.manufacturer,
                model=share.model.model,
                firmware_version=str(share.model.running),
                status="InstalledNotCommissioned" if number in NOT_COMMISSIONED else "Commissioned",
                csp_region=_REGIONS[(number - 1) % len(_REGIONS)],
                import_supplier=BY_NAME[share.import_supplier].eui,
                gas_supplier=BY_NAME[share.gas_supplier].eui,
            )


LAST_HUB = SHARES[-1].last


def hub_name(one: int) -> str:
    """Return a hub as commands call it: its number, or its EUI-64 where it has none."""
    number = one - device_id(0)
    return str(number) if 0 < number <= LAST_HUB else format_eui(one)


def hub_names(several: Sequence[int]) -> str:
    """Return hubs in a sentence: "hub 2", "hubs 2 and 3"."""
    *first, last = map(hub_name, several)
    return f"hubs {', '.join(first)} and {last}" if first else f"hub {last}"
