"""Parties: suppliers, CSPs and DCC, as registered with the gateway (design section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from duis_gateway.model.identifiers import format_eui
from duis_gateway.namespaces import DUIS_5_0

CSP_REGIONS = ("North", "4G North", "Central", "South", "4G Central", "4G South")
"""The regions of DUIS's CSPRegion that a CSP may be registered for."""


class PartyKind(StrEnum):
    """What a party is; it decides which doors it may use."""

    SUPPLIER = "supplier"
    CSP = "csp"
    DCC = "dcc"


class Role(StrEnum):
    """The user roles of DUIS that steer Communications Hub firmware."""

    IMPORT_SUPPLIER = "IS"
    GAS_SUPPLIER = "GS"


class PartyStatus(StrEnum):
    """Whether a party's requests are served."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Party:
    """One registered party. `duis_version` governs the alerts sent to a supplier; `regions` are a CSP's."""

    eui: int
    kind: PartyKind
    url: str
    email: str | None = None
    status: PartyStatus = PartyStatus.ACTIVE
    roles: frozenset[Role] = frozenset()
    duis_version: Decimal = DUIS_5_0
    published_schema_only: bool = False
    regions: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The EUI-64 as DUIS writes it."""
        return format_eui(self.eui)
