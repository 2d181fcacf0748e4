"""TLS by files in PEM that may have been made elsewhere: a certificate with its chain, its key, authorities.

TLS certificates are of any shape that OpenSSL takes; those of messages are another matter (`certificates.py`).
"""

from __future__ import annotations

import re
import ssl
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from duis_gateway.machine.files import read_plain
from duis_gateway.pki.certificates import UNREADABLE, CertificateUnusable
from duis_gateway.pki.names import name_text
from duis_gateway.text.folding import folded

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2, those with forward secrecy and authenticated encryption; TLS 1.3 has no others."""
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----")
_CRL = b"-----BEGIN X509 CRL-----"


def read_chain(certificate: Path, key: Path) -> list[x509.Certificate]:
    """Return the certificates of a TLS identity, its own first, once they and the key are known to fit.

    Raises:
        CertificateUnusable: a file cannot be read or is not what it should be; the text names it and says what to do.
    """
    chain = _certificates(certificate)
    own = _public_key(key)
    if own != _spki(chain[0]):
        if own in map(_spki, chain):
            raise CertificateUnusable(f"{certificate}: the certificate of {key} must come first, then its issuer")
        raise CertificateUnusable(f"{key}: the key does not fit the certificate {certificate}")
    for issued, issuer in pairwise(chain):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise CertificateUnusable(
                f"{certificate}: after {_subject(issued)} must come its issuer, {name_text(issued.issuer)}, but "
                f"instead comes {_subject(issuer)}"
            ) from None
    return chain


def lacks_issuer(chain: list[x509.Certificate]) -> str | None:
    """Return the name of the authority that whoever verifies must have, None where the chain ends with itself."""
    last = chain[-1]
    return None if last.issuer == last.subject else name_text(last.issuer)


def check_authorities(path: Path) -> None:
    """See that a file has certificates of authorities.

    Raises:
        CertificateUnusable: it has none in PEM, or cannot be read; the text names it.
    """
    _certificates(path)


def client_context(
    authorities: Path | None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return what a server is verified with; without authorities by the system's.

    Raises:
        CertificateUnusable: as `read_chain`.
    """
    if authorities is not None:
        check_authorities(authorities)
    context = ssl.create_default_context(cafile=None if authorities is None else str(authorities))
    if certificate is not None and key is not None:
        read_chain(certificate, key)
        context.load_cert_chain(certificate, key, password="")
    return context


def server_context(certificate: Path, key: Path, client_authorities: Path | None) -> ssl.SSLContext:
    """Return what a listener speaks TLS with: 1.2 and 1.3.

    With `client_authorities` a client must show a certificate of one of them; where the file has revocation lists
    too, each certificate must be on none of its issuer's, and the issuer must have one.

    Raises:
        CertificateUnusable: as `read_chain`.
    """
    read_chain(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0  # of TLS 1.3: a resumed session would not be verified again
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise CertificateUnusable(f"{certificate}: OpenSSL refuses it: {reason_of(error)}") from None
    if client_authorities is not None:
        _ask_for_certificates(context, client_authorities)
    return context


def reason_of(error: ssl.SSLError) -> str:
    """Return why TLS failed, in OpenSSL's words."""
    said = getattr(error, "verify_message", "")
    reason = (error.reason or "the connection broke").replace("_", " ").lower()
    return f"{reason}: {said}" if said else reason


def organisations_of(context: ssl.SSLObject) -> frozenset[str]:
    """Return the organisations (O) of the client certificate, folded as names are compared."""
    shown = context.getpeercert(binary_form=True)
    if shown is None:
        return frozenset()
    try:
        named = x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return frozenset(folded(one.value) for one in named if isinstance(one.value, str))
    except UNREADABLE:
        return frozenset()


def _ask_for_certificates(context: ssl.SSLContext, authorities: Path) -> None:
    data = _read(authorities)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an authority that is named is one, also where it is no root
    if _CRL in data:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    try:
        context.load_verify_locations(authorities)
    except ssl.SSLError as error:
        raise CertificateUnusable(f"{authorities}: no PEM certificates: {reason_of(error)}") from None


def _certificates(path: Path) -> list[x509.Certificate]:
    data = _read(path)
    if not _PEM.search(data):
        raise CertificateUnusable(
            f"{path}: no PEM certificate; `openssl x509 -inform DER -in FILE -out NEW` turns DER into PEM"
        )
    try:
        return x509.load_pem_x509_certificates(data)
    except UNREADABLE as error:
        raise CertificateUnusable(f"{path}: not a certificate: {str(error)[:200]}") from None


def _public_key(path: Path) -> bytes:
    data = _read(path)
    try:
        key = load_pem_private_key(data, None)
    except TypeError:
        raise CertificateUnusable(
            f"{path}: the key is protected by a passphrase; `openssl pkey -in FILE -out NEW` removes it"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateUnusable(f"{path}: no PEM private key") from None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _subject(certificate: x509.Certificate) -> str:
    return name_text(certificate.subject) or f"serial {certificate.serial_number}"


def _read(path: Path) -> bytes:
    try:
        return read_plain(path)
    except OSError as error:
        raise CertificateUnusable(f"{path}: {error.strerror}") from None
