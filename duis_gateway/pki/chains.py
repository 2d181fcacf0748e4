"""The short path from a certificate to a trust anchor (RFC 5280 section 6, as far as SMKI's shape needs it).

`cryptography` has a verifier for the Web PKI, which refuses SMKI's certificates (no subject alternative name, critical
policies, no authority key identifier) and knows no revocation (T34). Times and revocation are not looked at here: what
is found may be remembered, they may not.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

from duis_gateway.pki.certificates import UNREADABLE
from duis_gateway.pki.name_constraints import keeps_names
from duis_gateway.text.controls import one_line

Path = tuple[x509.Certificate, ...]
"""The CAs above a certificate, its issuer first, the trust anchor last."""

_LONGEST_PATH = 6
_MOST_PATHS = 8
_HASHES = frozenset({"sha256", "sha384", "sha512"})
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_LEAST_RSA_BITS = 2048
_LONGEST_NAME = 200
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,  # any policy will do, so there is nothing to process
    }
)


def find_paths(certificate: x509.Certificate, authorities: Sequence[x509.Certificate]) -> tuple[Path, ...]:
    """Return the paths whose every signature, CA flag, key usage, length and name hold, the shortest first (T36).

    A self-signed certificate among the `authorities` is a trust anchor; the others are intermediates.
    """
    if not _only_understood(certificate):
        return ()
    found: list[Path] = []
    _extend(certificate, (), authorities, found)
    return tuple(sorted((path for path in found if keeps_names(certificate, path)), key=len))


def why_no_path(certificate: x509.Certificate, authorities: Sequence[x509.Certificate]) -> str:
    """Return in words why `find_paths` finds none: the first thing that is wrong, seen from the certificate."""
    if not _only_understood(certificate):
        return "it has a critical extension that is not understood"
    try:
        issuer = one_line(certificate.issuer.rfc4514_string())[:_LONGEST_NAME]
    except UNREADABLE:
        return "its issuer's name cannot be read"
    namesakes = [one for one in authorities if one.subject == certificate.issuer]
    if not namesakes:
        return f"no CA among the trust anchors has the name of its issuer, {issuer}"
    if not any(issued(one, certificate) for one in namesakes):
        return f"no CA that is named {issuer} has signed it, with a key and algorithm that are strong enough"
    found: list[Path] = []
    _extend(certificate, (), authorities, found)
    if found:
        return "a CA above it may not give that name, by its name constraints"
    return f"none leads on from its issuer, {issuer}, to a CA that has signed its own certificate"


def issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether the certificate bears the authority's name and a sound signature by its key (T38)."""
    if certificate.issuer != authority.subject or not _strong(authority, certificate):
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether this is a CA that may sign certificates, and has no critical extension that is not understood."""
    constraints = _constraints(certificate)
    usage = key_usage(certificate)
    return (
        constraints is not None
        and constraints.ca
        and usage is not None
        and usage.key_cert_sign
        and _only_understood(certificate)
    )


def key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    """Return the key usage, or nothing where the certificate has none or it cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


def _extend(
    certificate: x509.Certificate, below: Path, authorities: Sequence[x509.Certificate], found: list[Path]
) -> None:
    """Add to `found` each path that leads on from the last of `below` (or the end entity, the first time)."""
    for authority in authorities:
        if len(found) >= _MOST_PATHS:
            return
        if authority in below or not _may_stand_above(authority, below) or not issued(authority, certificate):
            continue
        path = (*below, authority)
        if issued(authority, authority):
            found.append(path)
        elif len(path) < _LONGEST_PATH:
            _extend(authority, path, authorities, found)


def _may_stand_above(authority: x509.Certificate, below: Path) -> bool:
    if not is_authority(authority):
        return False
    constraints = _constraints(authority)
    most = None if constraints is None else constraints.path_length
    return most is None or sum(ca.subject != ca.issuer for ca in below) <= most


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


def _only_understood(certificate: x509.Certificate) -> bool:
    try:
        return all(extension.oid in _UNDERSTOOD for extension in certificate.extensions if extension.critical)
    except UNREADABLE:
        return False


def _strong(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        digest, key = certificate.signature_hash_algorithm, authority.public_key()
    except UNREADABLE:
        return False
    if digest is None or digest.name not in _HASHES:
        return False
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, _CURVES)
    return isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS
