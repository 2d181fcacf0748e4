"""What every Service Request declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from duis_gateway.parties.records import Role

SUPPLIERS = frozenset({Role.IMPORT_SUPPLIER, Role.GAS_SUPPLIER})
NON_DEVICE = frozenset({8})


class RequestBody:
    """The base of what a Service Request asks for; the class is named as its element."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Unserved(RequestBody):
    """Any other Service Request of DUIS: valid, and not served here (answer E2)."""

    element: str


Read = Callable[[etree._Element, dict[int, str]], RequestBody]
"""Reads a valid body; the second argument keeps how the sender wrote each device."""


@dataclass(frozen=True, slots=True)
class Service:
    """A Service Request that the gateway serves. `elements` caps the elements of the whole document (T07)."""

    reference: str
    name: str
    body: str
    since: Decimal
    roles: frozenset[Role]
    command_variants: frozenset[int]
    elements: int
    read: Read
