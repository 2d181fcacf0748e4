"""The structure of a `ds:Signature` in DUIS's profile, checked to the last child before anything is computed.

No attribute names an element (no Id look-up), so nothing can be signed that is not the whole document (T11 to T18).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import cache

from lxml import etree

from duis_gateway.errors import NotAuthenticated
from duis_gateway.namespaces import ECDSA_SHA256, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, ds
from duis_gateway.namespaces import SHA256 as SHA256_URI

_WHITE_SPACE = " \t\r\n"
_NO_WHITE_SPACE = {ord(character): None for character in _WHITE_SPACE}
_SERIAL = re.compile(r"[0-9]{1,49}")  # at most 20 octets (RFC 5280, section 4.1.2.2)
_LONGEST_NAME = 2048


@dataclass(frozen=True, slots=True)
class SignerReference:
    """Whose key a message says that it is signed with: issuer name as printed there, and certificate serial."""

    issuer: str
    serial: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a Signature says of itself, nothing of it proven yet: digest, signature value (r and s), and whose."""

    digest: bytes
    value: bytes
    signer: SignerReference


def _malformed(what: str) -> NotAuthenticated:
    return NotAuthenticated(f"malformed signature: {what}")


def only_signature(root: etree._Element) -> etree._Element:
    """Return the Signature if there is exactly one in the whole document, and it is the root's last element.

    Raises:
        NotAuthenticated: there is none, or more than one, or it stands elsewhere (T11 to T18, T31).
    """
    found = list(root.iter(ds("Signature")))
    if not found:
        raise NotAuthenticated("no signature")
    if len(found) > 1:
        raise _malformed("there is more than one Signature in the document")
    last = next(root.iterchildren("*", reversed=True), None)
    if last is not found[0]:
        raise _malformed("the Signature is not the last element of the root")
    return found[0]


def first_element(parent: etree._Element) -> int:
    """Return the index of the first child that is an element."""
    return next(index for index, child in enumerate(parent) if not isinstance(child, etree._Comment))


def read_signature(signature: etree._Element) -> Claims:
    """Read a Signature whose structure is exactly the profile's.

    Raises:
        NotAuthenticated: it is not; the detail says where.
    """
    # Published samples have a comment directly in Signature; there it can hide nothing.
    signed_info, value, key_info = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo", comments=True)
    c14n, method, reference = _children(signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    _algorithm(c14n, EXCLUSIVE_C14N)
    _algorithm(method, ECDSA_SHA256)
    return Claims(_read_reference(reference), _octets(value, 64), _read_key_info(key_info))


def _read_reference(reference: etree._Element) -> bytes:
    if reference.attrib.get("URI") != "" or len(reference.attrib) != 1:
        raise _malformed('the Reference must have URI="" and no other attribute')
    transforms, method, digest = _children(reference, "Transforms", "DigestMethod", "DigestValue", attributes=True)
    (transform,) = _children(transforms, "Transform")
    _algorithm(transform, ENVELOPED_SIGNATURE)
    _algorithm(method, SHA256_URI)
    return _octets(digest, 32)


def _read_key_info(key_info: etree._Element) -> SignerReference:
    (data,) = _children(key_info, "X509Data")
    (issuer_serial,) = _children(data, "X509IssuerSerial")
    issuer, serial = _children(issuer_serial, "X509IssuerName", "X509SerialNumber")
    name = _text(issuer)
    if not name or len(name) > _LONGEST_NAME:
        raise _malformed("X509IssuerName is empty or too long")
    number = _text(serial)
    if not _SERIAL.fullmatch(number):
        raise _malformed("X509SerialNumber is not a decimal serial number")
    return SignerReference(name, int(number))


def _children(
    parent: etree._Element, *names: str, comments: bool = False, attributes: bool = False
) -> list[etree._Element]:
    """Return the children of `parent` if they are exactly these, in this order, with white space between (T19)."""
    if parent.attrib and not attributes:
        raise _malformed(f"{_local(parent)} has an attribute that the profile does not have")
    children, between = [], parent.text or ""
    for node in parent:
        between += node.tail or ""
        if not (comments and isinstance(node, etree._Comment)):
            children.append(node)
    if tuple(child.tag for child in children) != _qualified(names):
        raise _malformed(f"{_local(parent)} does not hold exactly {', '.join(names)}")
    if between.strip(_WHITE_SPACE):
        raise _malformed(f"there is text directly in {_local(parent)}")
    return children


@cache
def _qualified(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(ds, names))


def _algorithm(element: etree._Element, only: str) -> None:
    """Refuse every algorithm but the profile's, and parameters to it (T26)."""
    if element.attrib.get("Algorithm") != only or len(element.attrib) != 1:
        raise _malformed(f"the algorithm of {_local(element)} is not {only}")
    if len(element) or (element.text or "").strip(_WHITE_SPACE):
        raise _malformed(f"{_local(element)} has parameters")


def _text(element: etree._Element) -> str:
    """Return the text of an element that has one text node and nothing else, no comment either (T20, T21)."""
    if len(element) or element.attrib:
        raise _malformed(f"{_local(element)} must hold only text")
    return (element.text or "").strip(_WHITE_SPACE)


def _octets(element: etree._Element, length: int) -> bytes:
    """Return what the base64 text stands for; white space in it is dropped, junk is not (T27, T29)."""
    text = _text(element).translate(_NO_WHITE_SPACE)
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(f"{_local(element)} is not base64") from None
    if len(octets) != length:
        raise _malformed(f"{_local(element)} has {len(octets)} octets, not {length}")
    return octets


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname
