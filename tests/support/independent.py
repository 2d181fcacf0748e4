"""A second opinion on DUIS's signature profile: signing and proving on lxml and cryptography alone.

It is written from the pages that describe the profile, shares nothing with the project, and is what the tests of
signatures hold the project's own implementation against.
"""

from __future__ import annotations

import base64
import hashlib
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_SIGNED_INFO = (
    f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{_ECDSA_SHA256}"></ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{_ENVELOPED}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)


@dataclass(frozen=True)
class Identity:
    """Who signs: an EUI-64 as text, a private key, and what the signature names the certificate by."""

    eui: str
    private_key: ec.EllipticCurvePrivateKey
    issuer: str
    serial: int

    @classmethod
    def load(cls, eui: str, key: Path, certificate: Path) -> Identity:
        """Read the two files of a party."""
        private_key = load_pem_private_key(key.read_bytes(), None)
        assert isinstance(private_key, ec.EllipticCurvePrivateKey)
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
        return cls(eui, private_key, read.issuer.rfc4514_string(), read.serial_number)


def sign(document: bytes, identity: Identity) -> bytes:
    """Return the document with a signature in DUIS's profile as the last child of its root.

    The digest is over inclusive C14N 1.0, SignedInfo in exclusive C14N, the value r and s.
    """
    content = _canonical(_without_signature(etree.fromstring(document)))
    signed_info = _SIGNED_INFO.format(digest=base64.b64encode(hashlib.sha256(content).digest()).decode())
    r, s = decode_dss_signature(identity.private_key.sign(signed_info.encode(), ec.ECDSA(SHA256())))
    value = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()
    signature = (
        f'<ds:Signature xmlns:ds="{DS}">{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>'
        f"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{escape(identity.issuer)}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{identity.serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
        "</ds:KeyInfo></ds:Signature>"
    )
    end = document.rindex(b"</")
    return document[:end] + signature.encode() + document[end:]


def _without_signature(root: etree._Element) -> etree._Element:
    """Return the root without its signature; the text behind that stays, as the transform has it."""
    for found in root.findall(f"{{{DS}}}Signature"):
        before = found.getprevious()
        if before is None:
            root.text = (root.text or "") + (found.tail or "")
        else:
            before.tail = (before.tail or "") + (found.tail or "")
        root.remove(found)
    return root


def _canonical(root: etree._Element, *, exclusive: bool = False) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=exclusive, with_comments=False)


class NotProven(AssertionError):
    """What came from the gateway does not carry the signature that it must carry."""


def prove(document: bytes, certificate: x509.Certificate) -> etree._Element:
    """Return the root of a document that this certificate's owner signed in DUIS's profile, without the signature."""
    root = etree.fromstring(document)
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    if len(signatures) != 1 or root[-1] is not signatures[0]:
        raise NotProven("there is not one signature, the last child of the root")
    signature = deepcopy(signatures[0])
    expected = hashlib.sha256(_canonical(_without_signature(root))).digest()
    signed_info = signature[0]
    if _canonical(signed_info, exclusive=True).decode() != _SIGNED_INFO.format(
        digest=base64.b64encode(expected).decode()
    ):
        raise NotProven("SignedInfo is not DUIS's, or the digest is of something else")
    named = [signature.findtext(f".//{{{DS}}}{name}") for name in ("X509IssuerName", "X509SerialNumber")]
    if named != [certificate.issuer.rfc4514_string(), str(certificate.serial_number)]:
        raise NotProven(f"the signature names another certificate: {named}")
    _check_value(base64.b64decode(signature.findtext(f"{{{DS}}}SignatureValue") or ""), signed_info, certificate)
    return root


def _check_value(value: bytes, signed_info: etree._Element, certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if len(value) != 64 or not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotProven("the signature value is not r and s of P-256")
    der = encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
    try:
        key.verify(der, _canonical(signed_info, exclusive=True), ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise NotProven("the signature value is not this key's") from None
