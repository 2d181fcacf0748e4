"""Authorities and certificates for TLS in tests, as files: what an operator would make with openssl."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Files:
    """A certificate with its chain, and its key."""

    certificate: Path
    key: Path


@dataclass
class Authority:
    """An authority for TLS; an intermediate one where it has an `issuer`."""

    folder: Path
    name: str = "authority"
    issuer: Authority | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        signer = self.issuer or self
        builder = _builder(self.subject, signer.subject, self.key.public_key(), 30 * DAY)
        basic = x509.BasicConstraints(ca=True, path_length=None)
        may = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        own = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        builder = builder.add_extension(basic, critical=True).add_extension(may, critical=True)
        builder = builder.add_extension(own, critical=False).add_extension(signer.known_by(), critical=False)
        self.certificate = builder.sign(signer.key, hashes.SHA256())
        self.file = self.folder / f"{self.name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def known_by(self) -> x509.AuthorityKeyIdentifier:
        """Return what stands in each certificate that it signs; Python 3.13 asks for it (RFC 5280, 4.2.1.1)."""
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())

    def issue(
        self, name: str, organisation: str | None = None, *, ends: timedelta = DAY, address: str = "127.0.0.1"
    ) -> Files:
        """Write a certificate that ends after this time, for a server at the address or a client, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if organisation is not None:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        where = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = _builder(x509.Name(attributes), self.subject, key.public_key(), ends)
        builder = builder.add_extension(where, critical=False).add_extension(self.known_by(), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        between = b"" if self.issuer is None else self.certificate.public_bytes(Encoding.PEM)
        files = Files(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM) + between)
        files.key.touch(0o600)
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    def revoke(self, *files: Files) -> None:
        """Put a list that revokes these beside the authority's certificate, in the same file."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.subject)
        builder = builder.last_update(now - DAY).next_update(now + DAY)
        for one in files:
            serial = x509.load_pem_x509_certificate(one.certificate.read_bytes()).serial_number
            revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
            builder = builder.add_revoked_certificate(revoked)
        crl = builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM) + crl)

    def trusting(self, client: Files | None = None) -> ssl.SSLContext:
        """Return what a client verifies this authority's servers with, and shows them."""
        context = ssl.create_default_context(cafile=str(self.file))
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: timedelta
) -> x509.CertificateBuilder:
    end = datetime.now(UTC) + ends
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 60 * DAY)
        .not_valid_after(end)
    )
