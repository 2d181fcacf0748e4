"""Parties and their certificates, with the time that each has left; and who signed a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree
from sqlalchemy import Connection

from duis_gateway.envelope.claims import SignerReference, read_signature
from duis_gateway.errors import NotAuthenticated
from duis_gateway.namespaces import ds
from duis_gateway.operations.watch import read_or_none
from duis_gateway.parties import certificates
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.names import name_key

SOON = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Held:
    """A registered certificate. `party` is whose it is, also where it cannot be read."""

    party: int
    serial: int
    issuer: str
    role: str
    not_before: datetime | None
    not_after: datetime | None
    revoked_at: datetime | None

    def standing(self, now: datetime) -> str:
        """Return in a word how it stands."""
        if self.revoked_at is not None:
            return "revoked"
        if self.not_after is None or self.not_before is None:
            return "unreadable"
        if now > self.not_after:
            return "expired"
        if now < self.not_before:
            return "not valid yet"
        return "expires soon" if self.not_after - now < SOON else "valid"


def held(conn: Connection) -> list[Held]:
    """Return every registered certificate, the one that expires first at the top, revoked ones last."""
    found = [
        _held(one.party, one.serial, read_or_none(one.der), one.revoked_at)
        for one in certificates.all_certificates(conn)
    ]
    return sorted(found, key=lambda one: (one.revoked_at is not None, one.not_after is None, str(one.not_after)))


def _held(party: int, serial: int, read: Certificate | None, revoked_at: datetime | None) -> Held:
    if read is None:
        return Held(party, serial, "", "", None, None, revoked_at)
    return Held(party, serial, read.issuer, read.role, read.not_before, read.not_after, revoked_at)


def signer_of(root: etree._Element) -> SignerReference | None:
    """Return whose certificate a document says it is signed with; None if it has no signature in our profile."""
    signature = next(root.iter(ds("Signature")), None)
    if signature is None:
        return None
    try:
        return read_signature(signature).signer
    except NotAuthenticated:
        return None


def registered(conn: Connection, signer: SignerReference) -> Held | None:
    """Return the registered certificate that a signature names."""
    found = certificates.find(conn, name_key(signer.issuer), signer.serial)
    return None if found is None else _held(found.party, found.serial, read_or_none(found.der), found.revoked_at)
