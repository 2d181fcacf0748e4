"""An EUI-64 names one thing: no hub, GPF or supplier can have one that is somebody else's, or nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from duis_gateway.duis.identifiers import NOBODY
from duis_gateway.parties.records import Party, PartyKind

_KIND = {
    PartyKind.SUPPLIER: "a registered supplier",
    PartyKind.CSP: "a registered CSP",
    PartyKind.DCC: "DCC's enterprise systems",
}


def kinds(parties: Iterable[Party]) -> dict[int, PartyKind]:
    """Return what each of the parties is, by its EUI-64."""
    return {one.eui: one.kind for one in parties}


def faults(
    device: int, gpf: int | None, suppliers: Iterable[int | None], registered: Mapping[int, PartyKind]
) -> Iterator[tuple[str, str]]:
    """Yield the columns of a hub whose EUI-64 cannot be what they say, each with what is wrong.

    Args:
        device: the hub itself.
        gpf: its second device.
        suppliers: its Import and its Gas Supplier; they need not be registered, but are no other kind of party.
        registered: what the registered parties are (`kinds`).
    """
    for column, eui in (("device_id", device), ("gpf_device_id", gpf)):
        if eui == NOBODY:
            yield column, "is all zeros, which is no device"
        elif eui is not None and eui in registered:
            yield column, f"is the EUI-64 of {_KIND[registered[eui]]}, not of a device"
    for column, eui in zip(("import_supplier", "gas_supplier"), suppliers, strict=True):
        if eui == NOBODY:
            yield column, "is all zeros, which is nobody: where a hub has none, it is left out"
        elif eui is not None and registered.get(eui, PartyKind.SUPPLIER) is not PartyKind.SUPPLIER:
            yield column, f"is the EUI-64 of {_KIND[registered[eui]]}, not of a supplier"
