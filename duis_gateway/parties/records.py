"""Parties: suppliers, CSPs and DCC, as registered with the gateway (design section 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import NotOfOrganisation
from duis_gateway.namespaces import DUIS_5_0, DUIS_6_0
from duis_gateway.text.folding import folded

CSP_REGIONS = ("North", "4G North", "Central", "South", "4G Central", "4G South")
"""The regions of DUIS's CSPRegion that a CSP may be registered for."""

_LONGEST_EMAIL_ADDRESS = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""A mailbox of RFC 5321 (4.1.2), with the lengths of 4.5.3.1; no quoted local part, and no address for a domain."""


def is_email_address(text: str) -> bool:
    """Whether an email can be sent to this: one address, in ASCII, that can stand in a header as it is (threat T66)."""
    return len(text) <= _LONGEST_EMAIL_ADDRESS and _EMAIL_ADDRESS.fullmatch(text) is not None


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
    """One registered party.

    `duis_version` governs the alerts sent to a supplier; `regions` are a CSP's; `organisation` is the one (O) that the
    party's TLS client certificates name, asked for where `[server] bind_organisation` is set.
    """

    eui: int
    kind: PartyKind
    url: str
    email: str | None = None
    status: PartyStatus = PartyStatus.ACTIVE
    roles: frozenset[Role] = frozenset()
    duis_version: Decimal = DUIS_5_0
    published_schema_only: bool = False
    regions: frozenset[str] = frozenset()
    organisation: str | None = None

    @property
    def name(self) -> str:
        """The EUI-64 as DUIS writes it."""
        return format_eui(self.eui)

    def check_organisation(self, organisations: frozenset[str] | None) -> None:
        """See that the party belongs to one of the organisations of a TLS client certificate; None: not asked for.

        Raises:
            NotOfOrganisation: it does not, or is registered without one.
        """
        if organisations is None:
            return
        if self.organisation is None:
            raise NotOfOrganisation(f"{self.name} is registered without an organisation, which this listener requires.")
        if folded(self.organisation) not in organisations:
            raise NotOfOrganisation(f"The TLS client certificate belongs to another organisation than {self.name}.")

    @property
    def can_instruct(self) -> bool:
        """Whether it is a supplier whose DUIS version has the Service Requests to instruct with (11.5, 11.6)."""
        return self.kind is PartyKind.SUPPLIER and self.duis_version >= DUIS_6_0
