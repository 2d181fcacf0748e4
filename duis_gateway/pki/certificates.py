"""SMKI-shaped certificates (facts section 4): P-256, the role in `OU`, the EUI-64 in `x500UniqueIdentifier`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from duis_gateway.errors import GatewayError
from duis_gateway.pki.names import name_key, name_text

_EUI_OCTETS = 9  # of the BIT STRING: the number of unused bits, which is 0, and the EUI-64


# What `cryptography` raises for bytes that are no certificate or list, at once or when a part is first looked at.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class CertificateUnusable(GatewayError):
    """A certificate, its file, or the key beside it cannot be used; the text says why."""


class IsAuthority(CertificateUnusable):
    """It cannot be used as a party's certificate, and belongs to a CA."""


@dataclass(frozen=True)
class Certificate:
    """An end-entity certificate as the gateway reads it; times are aware UTC.

    `role` is the OU as it stands, in capitals ("87"); `issuer` prints in RFC 4514's form, `issuer_key` is what it is
    compared by (`names.name_key`). `may_sign`: the key usage has digitalSignature, and it is no CA.
    """

    der: bytes
    eui: int
    role: str
    issuer: str
    issuer_key: str
    serial: int
    not_before: datetime
    not_after: datetime
    may_sign: bool
    public_key: ec.EllipticCurvePublicKey
    x509: x509.Certificate


def read_certificate(data: bytes) -> Certificate:
    """Read one certificate, PEM (the first in the file) or DER.

    Raises:
        CertificateUnusable: it cannot be read, is not P-256, or has not exactly one OU and one EUI-64; the text says
            each thing that is wrong. It is `IsAuthority` where the certificate belongs to a CA.
    """
    loaded = load_x509(data)
    try:
        return Certificate(
            der=loaded.public_bytes(Encoding.DER),
            eui=_eui(loaded),
            role=_role(loaded),
            issuer=name_text(loaded.issuer),
            issuer_key=name_key(loaded.issuer),
            serial=_serial(loaded),
            not_before=loaded.not_valid_before_utc,
            not_after=loaded.not_valid_after_utc,
            may_sign=_may_sign(loaded),
            public_key=_public_key(loaded),
            x509=loaded,
        )
    except UNREADABLE as error:
        raise CertificateUnusable(f"the certificate cannot be read: {str(error)[:200]}") from None
    except CertificateUnusable:
        raise _unusable(loaded) from None


def _unusable(certificate: x509.Certificate) -> CertificateUnusable:
    """Return an error that says each thing that is wrong with a certificate, the key first: all begins with that."""
    wrong = list[str]()
    for read in (_public_key, _serial, _eui, _role):
        try:
            read(certificate)
        except (CertificateUnusable, *UNREADABLE) as error:
            wrong.append(str(error)[:200])
    said = f"{'; '.join(wrong)}; docs/how-to/keys.md has the openssl commands for one that can be used"
    try:
        return IsAuthority(said) if _is_ca(certificate) else CertificateUnusable(said)
    except UNREADABLE:
        return CertificateUnusable(said)


def load_x509(data: bytes) -> x509.Certificate:
    """Load one certificate of any shape, PEM (the first in the file) or DER.

    Raises:
        CertificateUnusable: it cannot be read.
    """
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except UNREADABLE as error:
        raise CertificateUnusable(f"not a certificate: {why_unreadable(data, error)}") from None


def why_unreadable(data: bytes, error: Exception) -> str:
    """Return why these bytes are no certificate, after what `cryptography` raised for them."""
    if not data.strip():
        return "it is empty"
    # The parser's own words are of its structures, and of no help.
    return "neither PEM nor DER" if b"-----BEGIN" not in data else str(error)[:200]


def _serial(certificate: x509.Certificate) -> int:
    if certificate.serial_number <= 0:
        raise CertificateUnusable("the serial number of the certificate is not positive")
    return certificate.serial_number


def _eui(certificate: x509.Certificate) -> int:
    values = certificate.subject.get_attributes_for_oid(NameOID.X500_UNIQUE_IDENTIFIER)
    if len(values) != 1:
        raise CertificateUnusable(
            "the certificate does not have exactly one x500UniqueIdentifier, which holds the EUI-64"
        )
    value = values[0].value
    if not isinstance(value, bytes) or len(value) != _EUI_OCTETS or value[0] != 0:
        raise CertificateUnusable("the x500UniqueIdentifier of the certificate is not a BIT STRING of an EUI-64")
    return int.from_bytes(value[1:], "big")


def _role(certificate: x509.Certificate) -> str:
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    if len(units) != 1:
        raise CertificateUnusable("the certificate does not have exactly one OU, which holds the role")
    value = units[0].value
    if not isinstance(value, str):
        raise CertificateUnusable("the OU of the certificate is not text")
    return value.upper()


def _public_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateUnusable("the key of the certificate is not on the curve P-256")
    return key


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _may_sign(certificate: x509.Certificate) -> bool:
    if _is_ca(certificate):
        return False
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return False
