"""The key that a party signs with, from files that may have been made elsewhere (PEM, PKCS#8 or SEC1)."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from duis_gateway.envelope.signature import SigningKey
from duis_gateway.machine.files import read_plain
from duis_gateway.pki.certificates import Certificate, CertificateUnusable, read_certificate


def load_signing_key(key_path: Path, certificate_path: Path) -> tuple[SigningKey, Certificate]:
    """Read a private key and its certificate.

    Raises:
        CertificateUnusable: a file cannot be read, or the key is not the certificate's; the text names the file.
    """
    certificate = read_certificate_file(certificate_path)
    private_key = _read_key(key_path)
    if private_key.public_key() != certificate.public_key:
        raise CertificateUnusable(f"{key_path}: the key does not fit the certificate {certificate_path}")
    return SigningKey(private_key, certificate.issuer, certificate.serial), certificate


def read_certificate_file(path: Path) -> Certificate:
    """Read a certificate file, PEM or DER.

    Raises:
        CertificateUnusable: it cannot be read (`IsAuthority`: and belongs to a CA); the text names the file.
    """
    try:
        return read_certificate(read_plain(path))
    except OSError as error:
        raise CertificateUnusable(f"{path}: {error.strerror}") from None
    except CertificateUnusable as error:
        raise type(error)(f"{path}: {error}") from None


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        data = read_plain(path)
        key = (load_pem_private_key if b"-----BEGIN" in data else load_der_private_key)(data, None)
    except OSError as error:
        raise CertificateUnusable(f"{path}: {error.strerror}") from None
    except TypeError:
        raise CertificateUnusable(f"{path}: the key is protected by a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateUnusable(f"{path}: not a private key in PEM or DER") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateUnusable(f"{path}: the key is not on the curve P-256")
    return key
