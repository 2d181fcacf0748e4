"""Makes SMKI-shaped test PKIs: authorities, end-entity certificates, revocation lists. For tests, demos and trials."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier

from duis_gateway.duis.identifiers import format_eui_plain
from duis_gateway.machine.files import read_plain, unless_finished, write_new
from duis_gateway.pki.certificates import CertificateUnusable, load_x509

SMKI_POLICY = ObjectIdentifier("1.2.826.0.1.8641679.1.2.1.4")
_SERIAL_BITS = 128
_TEN_YEARS = timedelta(days=3652)


@dataclass(frozen=True)
class Authority:
    """A CA that certificates can be issued with."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey
    certificate_path: Path
    key_path: Path


@dataclass(frozen=True)
class MadeCertificate:
    """The two files of an end-entity certificate: PEM, and PKCS#8 readable by its owner alone."""

    certificate: x509.Certificate
    certificate_path: Path
    key_path: Path


def make_authority(
    directory: Path,
    common_name: str = "Z1",
    *,
    stem: str = "ca",
    parent: Authority | None = None,
    path_length: int | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Authority:
    """Make a CA named `CN=<common_name>, OU=07`, self-signed or issued by `parent`; writes `<stem>.pem`, `<stem>.key`.

    Its key is new unless one is given.

    Raises:
        FileExistsError: one of the files exists; a key is never overwritten.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name, "07", None)
    builder = _builder(name, parent.certificate.subject if parent else name, key, not_before, not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    certificate = builder.sign(parent.private_key if parent else key, SHA256())
    certificate_path, key_path = _write(directory, stem, certificate, key)
    return Authority(certificate, key, certificate_path, key_path)


def load_authority(directory: Path, stem: str = "ca") -> Authority:
    """Load a CA that `make_authority` wrote.

    Raises:
        CertificateUnusable: a file is missing or unreadable; the text names it.
    """
    certificate_path, key_path = directory / f"{stem}.pem", directory / f"{stem}.key"
    try:
        certificate = load_x509(read_plain(certificate_path))
        key = load_pem_private_key(read_plain(key_path), None)
    except OSError as error:
        raise CertificateUnusable(f"{error.filename}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise CertificateUnusable(f"{key_path}: not a private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise CertificateUnusable(f"{key_path}: the key does not fit the certificate {certificate_path}")
    return Authority(certificate, key, certificate_path, key_path)


def make_certificate(
    authority: Authority,
    eui: int,
    role: str,
    directory: Path,
    *,
    stem: str | None = None,
    common_name: str | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    digital_signature: bool = True,
    serial: int | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> MadeCertificate:
    """Make a key and its certificate: OU `role` (two hexadecimal digits), the EUI-64 as SMKI has it, a 128-bit serial.

    Writes `<stem>.pem` and `<stem>.key`; the stem is the EUI's sixteen digits and the role unless given. The key and
    the serial are new unless they are given.

    Raises:
        FileExistsError: one of the files exists; a key is never overwritten.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = _name(common_name, role, eui)
    builder = _builder(subject, authority.certificate.subject, key, not_before, not_after, serial)
    builder = builder.add_extension(_usage(authority=False, digital_signature=digital_signature), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.private_key.public_key()), critical=False
    )
    certificate = builder.sign(authority.private_key, SHA256())
    paths = _write(directory, stem or f"{format_eui_plain(eui)}-{role}", certificate, key)
    return MadeCertificate(certificate, *paths)


def make_crl(
    authority: Authority,
    revoked_serials: Iterable[int],
    next_update: datetime,
    *,
    this_update: datetime | None = None,
) -> bytes:
    """Return a revocation list of the authority, in PEM; `next_update` is when it grows stale."""
    issued = this_update or min(datetime.now(UTC), next_update - timedelta(seconds=1))
    builder = x509.CertificateRevocationListBuilder(authority.certificate.subject, issued, next_update)
    builder = builder.add_extension(x509.CRLNumber(int(issued.timestamp())), critical=False)
    for serial in revoked_serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(issued).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority.private_key, SHA256()).public_bytes(Encoding.PEM)


def _name(common_name: str | None, unit: str, eui: int | None) -> x509.Name:
    """Return a name in DER's order as SMKI has it: an issuer's OU before its CN, a user's CN, OU, EUI-64."""
    named = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    attributes = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)]
    if eui is None:
        return x509.Name(attributes + named)
    # The first octet of a BIT STRING is the number of unused bits: DER 03 09 00 and the EUI-64.
    octets = b"\0" + eui.to_bytes(8, "big")
    unique = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, octets, _ASN1Type.BitString)
    return x509.Name([*named, *attributes, unique])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    not_before: datetime | None,
    not_after: datetime | None,
    serial: int | None = None,
) -> x509.CertificateBuilder:
    begin = not_before or datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key())
        .serial_number(serial or secrets.randbits(_SERIAL_BITS - 1) | 1 << (_SERIAL_BITS - 1))
        .not_valid_before(begin)
        .not_valid_after(not_after or begin + _TEN_YEARS)
        .add_extension(x509.CertificatePolicies([x509.PolicyInformation(SMKI_POLICY, None)]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, authority: bool, digital_signature: bool = True) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature and not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not digital_signature,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _write(
    directory: Path, stem: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> tuple[Path, Path]:
    directory.mkdir(parents=True, exist_ok=True)
    certificate_path, key_path = directory / f"{stem}.pem", directory / f"{stem}.key"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # For the owner alone from the first moment, never over a key that is there, and never one without the other.
    with unless_finished(key_path):
        write_new(key_path, secret, 0o600)
        write_new(certificate_path, certificate.public_bytes(Encoding.PEM))
    return certificate_path, key_path
