"""DUIS's signature profile, and nothing else of XML Signature (facts section 4, design section 5).

One enveloped `ds:Signature`, the last element of the root. SignedInfo in exclusive C14N; one Reference (`URI=""`, the
enveloped transform alone), digested with SHA-256 over *inclusive* C14N 1.0 without comments; ECDSA P-256 with SHA-256,
the value as r and s of 32 octets each (RFC 4050, RFC 6931); KeyInfo names issuer and serial, and carries no key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from duis_gateway.envelope.claims import SignerReference, first_element, only_signature, read_signature
from duis_gateway.envelope.escape import escape_text
from duis_gateway.envelope.memory import require_memory
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import NotAuthenticated, NotSafeXml
from duis_gateway.namespaces import DS, ECDSA_SHA256, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, ds
from duis_gateway.namespaces import SHA256 as SHA256_URI

__all__ = ["Proven", "SignerReference", "SigningKey", "content_of", "sign", "sign_canonical", "verify"]

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group of P-256
_ECDSA = ec.ECDSA(SHA256())


def _signing_algorithm() -> ec.ECDSA:
    """Return ECDSA that needs no random number (RFC 6979), so that the same content gets the same signature.

    It costs 6 % more than a random one. A libcrypto before OpenSSL 3.2 does not have it.
    """
    try:
        return ec.ECDSA(SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return _ECDSA


_SIGNING = _signing_algorithm()


@dataclass(frozen=True, slots=True)
class Proven:
    """What a signature has proven.

    `content` is the inclusive C14N of the root without its Signature, and the only bytes to be read from here on;
    `digest` is its SHA-256, the identity of the content (never the signature's own bytes, T28).
    """

    content: bytes
    digest: bytes
    signer: SignerReference


@dataclass(frozen=True)
class SigningKey:
    """A private key, and the issuer and serial of its certificate as they stand in `X509IssuerSerial`."""

    private_key: ec.EllipticCurvePrivateKey
    issuer: str
    serial: int

    @cached_property
    def _after_value(self) -> bytes:
        return (
            "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
            f"<ds:X509IssuerName>{escape_text(self.issuer)}</ds:X509IssuerName>"
            f"<ds:X509SerialNumber>{self.serial}</ds:X509SerialNumber>"
            "</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo></ds:Signature>"
        ).encode()


def verify(root: etree._Element, public_key_of: Callable[[SignerReference], ec.EllipticCurvePublicKey]) -> Proven:
    """Check the one signature of a document from `parse_document`, and return what it proves.

    `public_key_of` resolves the signer, from what the gateway knows and not from the message (T30), and may raise
    `NotAuthenticated` itself. The tree is left as it was.

    Raises:
        NotAuthenticated: no signature, not of the profile, or it does not fit; the detail says which (T11 to T32).
    """
    signature = only_signature(root)
    claims = read_signature(signature)
    signed_info = _c14n(signature[first_element(signature)], exclusive=True)
    public_key = public_key_of(claims.signer)
    content = _content_without(root, signature)
    digest = hashlib.sha256(content).digest()
    # Both are computed, whatever the first says (T22).
    digest_fits = hmac.compare_digest(claims.digest, digest)
    value_fits = signature_fits(claims.value, signed_info, public_key)
    if not digest_fits:
        raise NotAuthenticated("digest differs: the content is not what was signed")
    if not value_fits:
        raise NotAuthenticated("signature value wrong: it was not made with the named certificate's key")
    return Proven(content, digest, claims.signer)


def content_of(root: etree._Element) -> bytes:
    """Return what a signature over a document that has none yet would prove: its inclusive C14N.

    Raises:
        NotAuthenticated: it cannot be canonicalised, so that nobody can sign it.
    """
    return _canonical(root)


def sign(document: bytes, key: SigningKey) -> bytes:
    """Return a well-formed document signed: its inclusive C14N, with the Signature as the last child of the root.

    A Signature that the root already has is replaced. White space stays as it is, since it is content.

    Raises:
        NotSafeXml: the document is not well-formed, or cannot be canonicalised.
    """
    root = parse_trusted(document)
    for old in list(root.iterchildren(ds("Signature"))):
        _detach(old)
    try:
        content = _canonical(root)
    except NotAuthenticated as error:
        raise NotSafeXml(f"the document cannot be signed: {error.detail}") from None
    return sign_canonical(content, key)


def sign_canonical(content: bytes, key: SigningKey) -> bytes:
    """Return `content` with a Signature before the root's end tag.

    `content` must be its own inclusive C14N, as what the gateway renders is by construction; it is not checked.
    """
    digest = base64.b64encode(hashlib.sha256(content).digest())
    signed_info = _SIGNED_INFO_HEAD + digest + _SIGNED_INFO_TAIL
    # Its exclusive C14N by construction: the same, with the one namespace that it uses declared on it.
    r, s = decode_dss_signature(key.private_key.sign(_SIGNED_INFO_TAG + signed_info, _SIGNING))
    value = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    end = content.rindex(b"</")
    return b"".join(
        (
            content[:end],
            _SIGNATURE_TAGS,
            signed_info,
            b"<ds:SignatureValue>",
            value,
            key._after_value,
            content[end:],
        )
    )


_SIGNATURE_TAGS = f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'.encode()
_SIGNED_INFO_TAG = f'<ds:SignedInfo xmlns:ds="{DS}">'.encode()
_SIGNED_INFO_HEAD = (
    f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{ECDSA_SHA256}"></ds:SignatureMethod>'
    '<ds:Reference URI="">'
    f'<ds:Transforms><ds:Transform Algorithm="{ENVELOPED_SIGNATURE}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{SHA256_URI}"></ds:DigestMethod>'
    "<ds:DigestValue>"
).encode()
_SIGNED_INFO_TAIL = b"</ds:DigestValue></ds:Reference></ds:SignedInfo>"


def _canonical(root: etree._Element) -> bytes:
    """Return the inclusive C14N of a document, which has no comment, by its root.

    It is made of the tree. Of a root with a comment beside it, lxml makes a root of its own for a moment, and libxml2
    then declares `xmlns=""` on all below its children that are in a default namespace.
    """
    return _c14n(root.getroottree(), exclusive=False)


def _c14n(what: etree._Element | etree._ElementTree, *, exclusive: bool) -> bytes:
    try:
        return etree.tostring(what, method="c14n", exclusive=exclusive, with_comments=False)
    except etree.C14NError:
        require_memory()
        # For example a relative namespace URI; an empty result must never count as the content (T24).
        raise NotAuthenticated("the document cannot be canonicalised (a relative namespace URI?)") from None


def _content_without(root: etree._Element, signature: etree._Element) -> bytes:
    """Return the inclusive C14N of the root without the Signature, whose place is restored; never a copy (speed)."""
    before, text, before_tail = signature.getprevious(), root.text, None
    if before is not None:
        before_tail = before.tail
    index = root.index(signature)
    tail = _detach(signature)
    try:
        return _canonical(root)
    finally:
        if before is not None:
            before.tail = before_tail
        else:
            root.text = text
        signature.tail = tail
        root.insert(index, signature)


def _detach(signature: etree._Element) -> str | None:
    """Take the Signature out and leave the text after it, which is content, where it was. Returns that text."""
    parent, before, tail = signature.getparent(), signature.getprevious(), signature.tail
    if parent is None:
        return tail
    signature.tail = None
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(signature)
    return tail


def signature_fits(value: bytes, signed_info: bytes, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Return whether a signature value (r and s, 32 octets each, IEEE P1363) is this P-256 key's over these octets."""
    r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        return False
    if not isinstance(public_key.curve, ec.SECP256R1):
        return False
    try:
        public_key.verify(encode_dss_signature(r, s), signed_info, _ECDSA)
    except InvalidSignature:
        return False
    return True
