"""A message's steps up to its authorisation, in this process: parties with real certificates, and no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from duis_gateway.client import Identity
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.envelope.schema import Schema
from duis_gateway.envelope.signature import sign
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.message import Authorised, Verified
from duis_gateway.flow.steps import SCHEMA_NAMES, admit, authorise, receive, validate, verify
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.pki.make import make_certificate
from duis_gateway.text.folding import folded
from schemas import schema_path
from tests.support.examples_duis import CSP, DCC, GATEWAY, SUPPLIER
from tests.support.trust import NOW, Installation

URL = "http://127.0.0.1/"
PARTIES = {
    SUPPLIER: Party(SUPPLIER, PartyKind.SUPPLIER, URL, roles=frozenset(Role), duis_version=Decimal("6.0")),
    CSP: Party(CSP, PartyKind.CSP, URL, regions=frozenset({"North"})),
    DCC: Party(DCC, PartyKind.DCC, URL),
}
SIGNERS = {Door.DUIS: (SUPPLIER, "87"), Door.CSP: (CSP, "06"), Door.ESI: (DCC, "89")}
"""Who signs on each door, and with which kind of certificate."""
SERVICES = {Door.DUIS: "serviceD", Door.CSP: "messages", Door.ESI: "messages"}


@cache
def schemas() -> dict[str, Schema]:
    """Return the compiled schemas."""
    return {name: Schema(schema_path(name)) for name in SCHEMA_NAMES}


class StepsWalk:
    """Takes messages through the steps; `parties` may be changed, and `organisations` set."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder)
        self.authority = self.installation.authority()
        self.parties = self.usual_parties()
        self._identities: dict[tuple[int, str], Identity] = {}
        self.trust = self.installation.trust(crls=False)

    @staticmethod
    def usual_parties() -> dict[int, Party]:
        """Return the parties as they are registered at first."""
        return dict(PARTIES)

    def identity(self, eui: int, role: str) -> Identity:
        """Return who signs for a party with a certificate of this kind, which is registered."""
        if (eui, role) not in self._identities:
            made = make_certificate(
                self.authority, eui, role, self.installation.folder / "other",
                not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=1),
            )  # fmt: skip
            self.installation.register(made.certificate)
            self._identities[eui, role] = Identity.load(made.key_path, made.certificate_path)
        return self._identities[eui, role]

    def signed(self, document: bytes, door: Door, eui: int | None = None, role: str | None = None) -> bytes:
        """Return a document signed by the party of a door, or by another."""
        usual, its_role = SIGNERS[door]
        return sign(document, self.identity(eui or usual, role or its_role).key)

    def verified(
        self, raw: bytes, door: Door = Door.DUIS, service: str = "", organisations: Iterable[str] | None = None
    ) -> Verified:
        """Take a message as far as the proof of who signed it."""
        incoming = Incoming(door, service or SERVICES[door], raw, "test")
        if organisations is not None:
            incoming = replace(incoming, organisations=frozenset(map(folded, organisations)))
        return verify(receive(incoming, ShapeLimits(), NOW), self.trust, find_party=self.parties.get)

    def authorised(self, raw: bytes, door: Door = Door.DUIS, service: str = "") -> Authorised:
        """Take a message through all steps up to its authorisation."""
        admitted = admit(self.verified(raw, door, service), self.parties.get)
        return authorise(validate(admitted, schemas()), GATEWAY)
