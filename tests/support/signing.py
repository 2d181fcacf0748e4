"""A signed request, the key that it is signed with, and ways of spoiling it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.signature import Proven, SignerReference, SigningKey, sign, verify
from duis_gateway.errors import NotAuthenticated
from duis_gateway.namespaces import DS, SR

PRIVATE_KEY = ec.generate_private_key(ec.SECP256R1())
KEY = SigningKey(PRIVATE_KEY, "CN=Z1,OU=07", 0xBC2A59F0A7119479E55AF7FE250BE83A)
NS = {"sr": SR, "ds": DS}

# The prefix `unused` is where inclusive and exclusive C14N differ.
UNSIGNED = (
    f'<sr:Request xmlns:sr="{SR}" xmlns:unused="urn:unused" schemaVersion="5.4">'
    "<sr:Header>"
    "<sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000</sr:RequestID>"
    "<sr:CommandVariant>8</sr:CommandVariant>"
    "<sr:ServiceReference>8.2</sr:ServiceReference>"
    "<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant>"
    "</sr:Header>"
    "<sr:Body><sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory></sr:Body>"
    "</sr:Request>"
).encode()
SIGNED = sign(UNSIGNED, KEY)


def check(document: bytes, public_key: ec.EllipticCurvePublicKey | None = None) -> Proven:
    """Parse and verify a document as the gateway does, with the test's own key unless another is given."""
    key = public_key or PRIVATE_KEY.public_key()
    return verify(parse_document(document, ShapeLimits(), {}), lambda _: key)


def key_by_reference(found: list[SignerReference]) -> Callable[[SignerReference], ec.EllipticCurvePublicKey]:
    """Return a look-up that gives the test's key, and notes whom it was asked for."""

    def look_up(reference: SignerReference) -> ec.EllipticCurvePublicKey:
        found.append(reference)
        return PRIVATE_KEY.public_key()

    return look_up


def tree(document: bytes = SIGNED) -> etree._Element:
    """Return a fresh tree of the document, to be spoiled."""
    return etree.fromstring(document)


def one(root: etree._Element, path: str) -> etree._Element:
    """Return the one element at the path (prefixes `sr` and `ds`)."""
    (element,) = root.iterfind(path, NS)
    return element


def refuse(document: bytes | etree._Element, match: str = "malformed signature") -> None:
    """Check that the document is refused, for a reason that matches."""
    raw = document if isinstance(document, bytes) else etree.tostring(document)
    with pytest.raises(NotAuthenticated, match=match):
        check(raw)


def canonical(element: etree._Element, *, exclusive: bool = False) -> bytes:
    """Return the element in C14N 1.0 without comments, inclusive unless told otherwise."""
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False)


def resigned(
    document: bytes, change: Callable[[etree._Element], None], key: ec.EllipticCurvePrivateKey = PRIVATE_KEY
) -> bytes:
    """Return the document changed, its SignatureValue made anew over SignedInfo as it is then.

    An attacker with a key of his own, or a signer with another profile in mind, sends such things.
    """
    root = tree(document)
    change(root)
    signed_info = one(root, "ds:Signature/ds:SignedInfo")
    der = key.sign(canonical(signed_info, exclusive=True), ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(der)
    value = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()
    one(root, "ds:Signature/ds:SignatureValue").text = value
    return etree.tostring(root)


def signature_of(document: bytes) -> bytes:
    """Return the Signature as it stands in a signed request."""
    return document[document.index(b"<ds:Signature") : document.index(b"</sr:Request>")]


def forged() -> etree._Element:
    """Return what an attacker wants to be read: the message, with another device."""
    return etree.fromstring(UNSIGNED.replace(b"00-DB-12-34", b"66-66-66-66"))
