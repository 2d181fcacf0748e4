"""A trust store in a folder, and registered certificates, as tests bend them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from duis_gateway.envelope.signature import SignerReference
from duis_gateway.errors import NotAuthenticated
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.pki.certificates import Certificate, read_certificate
from duis_gateway.pki.make import Authority, make_authority, make_certificate, make_crl
from duis_gateway.pki.trust import Trust

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EARLY = datetime(2020, 1, 1, tzinfo=UTC)
LATE = datetime(2040, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SUPPLIER = 0x90B3D51F30010000


@dataclass
class Installation:
    """Folders for anchors, revocation lists and the rest, and what is registered."""

    folder: Path
    registered: dict[tuple[str, str], RegisteredCertificate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("anchors", "crls", "other"):
            (self.folder / name).mkdir()

    def authority(
        self, name: str = "Z1", *, parent: Authority | None = None, path_length: int | None = None
    ) -> Authority:
        """Make a CA and put its certificate among the anchors."""
        made = make_authority(
            self.folder / "other", name, stem=name, parent=parent, path_length=path_length,
            not_before=EARLY, not_after=LATE,
        )  # fmt: skip
        self.anchor(made.certificate, name)
        return made

    def anchor(self, certificate: x509.Certificate, name: str) -> None:
        (self.folder / "anchors" / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def register(self, certificate: x509.Certificate, *, trusted_directly: bool = False) -> Certificate:
        read = read_certificate(certificate.public_bytes(Encoding.DER))
        self.registered[read.issuer_key, str(read.serial)] = RegisteredCertificate(
            read.eui, read.der, read.issuer_key, read.serial, trusted_directly
        )
        return read

    def issue(self, authority: Authority, *, role: str = "87", digital_signature: bool = True) -> Certificate:
        """Make and register a certificate of the supplier, valid a day before and after `NOW`."""
        made = make_certificate(
            authority, SUPPLIER, role, self.folder / "other", stem=os.urandom(4).hex(),
            not_before=NOW - DAY, not_after=NOW + DAY, digital_signature=digital_signature,
        )  # fmt: skip
        return self.register(made.certificate)

    def revoke(self, certificate: Certificate) -> None:
        key = (certificate.issuer_key, str(certificate.serial))
        self.registered[key] = replace(self.registered[key], revoked_at=NOW)

    def publish(
        self, authority: Authority, serials: Iterable[int], name: str = "list.crl", next_update: datetime = LATE,
        this_update: datetime = EARLY,
    ) -> None:  # fmt: skip
        crl = make_crl(authority, serials, next_update, this_update=this_update)
        (self.folder / "crls" / name).write_bytes(crl)

    def trust(self, *, anchors: bool = True, crls: bool = True, allow_stale_crl: bool = False) -> Trust:
        return Trust(
            self.folder / "anchors" if anchors else None,
            self.folder / "crls" if crls else None,
            allow_stale_crl,
            lambda issuer, serial: self.registered.get((issuer, serial)),
        )


def resolve(
    trust: Trust, certificate: Certificate, at: datetime = NOW, roles: frozenset[str] = frozenset({"87"})
) -> Certificate:
    """Resolve the reference that a message signed with this certificate carries."""
    return trust.resolve(SignerReference(certificate.issuer, certificate.serial), at, roles)


def accepted(trust: Trust, certificate: Certificate, at: datetime = NOW) -> bool:
    """Tell whether the certificate, and no other, is resolved for a supplier's message."""
    return resolve(trust, certificate, at).der == certificate.der


def refuse(trust: Trust, certificate: Certificate, match: str, at: datetime = NOW) -> None:
    """Check that the certificate is refused, for a reason that matches."""
    with pytest.raises(NotAuthenticated, match=match):
        resolve(trust, certificate, at)
