"""Every way of moving, doubling or bending the parts of a signature is refused (threats T11 to T26)."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from duis_gateway.envelope import signature as module
from duis_gateway.envelope.signature import SigningKey, sign
from duis_gateway.errors import NotAuthenticated
from duis_gateway.namespaces import DS, ds
from tests.support.signing import (
    KEY,
    SIGNED,
    UNSIGNED,
    canonical,
    check,
    forged,
    one,
    refuse,
    resigned,
    tree,
)


@pytest.mark.parametrize("name", ["SignedInfo", "SignatureValue", "KeyInfo"])
@pytest.mark.parametrize("where", [0, -1])
def test_t19_two_of_a_kind_are_refused(name: str, where: int) -> None:
    """T19, CVE-2025-29774: by the sequence of children, whichever of the two is good."""
    root = tree()
    signature = one(root, "ds:Signature")
    copied = copy.deepcopy(one(signature, f"ds:{name}"))
    signature.insert(where if where == 0 else len(signature), copied)
    refuse(root)


@pytest.mark.parametrize(
    ("name", "parent"),
    [("Reference", "SignedInfo"), ("SignatureMethod", "SignedInfo"), ("CanonicalizationMethod", "SignedInfo"),
     ("DigestValue", "SignedInfo/ds:Reference"), ("DigestMethod", "SignedInfo/ds:Reference"),
     ("Transforms", "SignedInfo/ds:Reference"), ("Transform", "SignedInfo/ds:Reference/ds:Transforms"),
     ("X509Data", "KeyInfo"), ("X509IssuerSerial", "KeyInfo/ds:X509Data"),
     ("X509SerialNumber", "KeyInfo/ds:X509Data/ds:X509IssuerSerial")],
)  # fmt: skip
def test_t19_repeated_or_missing_parts_are_refused_even_when_signed(name: str, parent: str) -> None:
    """T19, T23: two References, none, two DigestValues and so on, under a good SignatureValue."""

    def repeat(root: etree._Element) -> None:
        holder = one(root, f"ds:Signature/ds:{parent}")
        holder.append(copy.deepcopy(one(holder, f"ds:{name}")))

    def drop(root: etree._Element) -> None:
        holder = one(root, f"ds:Signature/ds:{parent}")
        holder.remove(one(holder, f"ds:{name}"))

    refuse(resigned(SIGNED, repeat))
    refuse(resigned(SIGNED, drop))


@pytest.mark.parametrize(
    "name",
    ["DigestValue", "SignatureValue", "X509IssuerName", "X509SerialNumber", "SignedInfo", "Reference", "KeyInfo"],
)
def test_t20_a_comment_inside_a_signed_value_is_refused(name: str) -> None:
    """T20, CVE-2025-29775: C14N drops the comment, so the SignatureValue stays good."""

    def comment(root: etree._Element) -> None:
        element = one(root, f".//ds:{name}")
        element.insert(0, etree.Comment("x"))

    refuse(resigned(SIGNED, comment))


def test_t20_a_comment_that_hides_the_attackers_digest_is_refused() -> None:
    """T20: `forged<!---->genuine`, of which `.text` would read the first half, with the SignatureValue still good."""
    fake = base64.b64encode(hashlib.sha256(canonical(forged())).digest()).decode()
    root = tree(UNSIGNED.replace(b"00-DB-12-34", b"66-66-66-66"))
    signature = one(tree(), "ds:Signature")
    value = one(signature, ".//ds:DigestValue")
    comment = etree.Comment("")
    comment.tail, value.text = value.text, fake
    value.insert(0, comment)
    root.append(signature)
    refuse(root)


@pytest.mark.parametrize("place", ["", "/ds:SignedInfo", "/ds:SignedInfo/ds:Reference", "/ds:KeyInfo", "/ds:KeyInfo/*"])
def test_t19_text_between_the_parts_is_refused(place: str) -> None:
    def write(root: etree._Element) -> None:
        one(root, f"ds:Signature{place}").text = "x"

    refuse(resigned(SIGNED, write), "there is text directly in")


def test_t22_digest_and_signature_value_are_each_enough_to_refuse() -> None:
    """T22, T32."""
    refuse(SIGNED.replace(b"00-DB-12-34", b"66-66-66-66"), "^digest differs")
    signed_by_another = sign(UNSIGNED, SigningKey(ec.generate_private_key(ec.SECP256R1()), KEY.issuer, KEY.serial))
    refuse(signed_by_another, "^signature value wrong")

    def true_digest(root: etree._Element) -> None:
        one(root, ".//sr:DeviceID").text = "66-66-66-66-56-78-90-A2"
        bare = copy.deepcopy(root)
        bare.remove(one(bare, "ds:Signature"))
        one(root, ".//ds:DigestValue").text = base64.b64encode(hashlib.sha256(canonical(bare)).digest()).decode()

    root = tree()
    true_digest(root)
    refuse(root, "^signature value wrong")


def test_t22_both_are_computed_whatever_the_first_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """T22: no path looks at the digest alone."""
    asked: list[bytes] = []
    genuine = module.signature_fits

    def noted(value: bytes, signed_info: bytes, public_key: ec.EllipticCurvePublicKey) -> bool:
        asked.append(value)
        return genuine(value, signed_info, public_key)

    monkeypatch.setattr(module, "signature_fits", noted)
    refuse(SIGNED.replace(b"00-DB-12-34", b"66-66-66-66"), "^digest differs")
    assert len(asked) == 1


@pytest.mark.parametrize("uri", [None, "#x", "http://127.0.0.1:1/x", "#xpointer(/)", " "])
def test_t23_only_the_whole_document_is_referred_to(uri: str | None) -> None:
    """T23: no Id look-up, no remote document."""

    def refer(root: etree._Element) -> None:
        reference = one(root, ".//ds:Reference")
        root.set("Id", "x")
        del reference.attrib["URI"]
        if uri is not None:
            reference.set("URI", uri)

    refuse(resigned(SIGNED, refer), 'must have URI=""')


def test_t23_a_reference_of_a_type_is_refused() -> None:
    """T23: a ds:Manifest, for one."""
    refuse(resigned(SIGNED, lambda root: one(root, ".//ds:Reference").set("Type", f"{DS}Manifest")))


@pytest.mark.parametrize(
    "algorithm",
    ["http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", f"{DS}base64",
     "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/TR/1999/REC-xslt-19991116", "urn:unknown", ""],
)  # fmt: skip
def test_t23_the_enveloped_transform_alone(algorithm: str) -> None:
    """T23: neither instead of it, nor after it, nor before it."""

    def replace(root: etree._Element) -> None:
        one(root, ".//ds:Transform").set("Algorithm", algorithm)

    def append(root: etree._Element) -> None:
        etree.SubElement(one(root, ".//ds:Transforms"), ds("Transform"), Algorithm=algorithm)

    def insert(root: etree._Element) -> None:
        one(root, ".//ds:Transforms").insert(0, etree.Element(ds("Transform"), Algorithm=algorithm))

    for change in (replace, append, insert):
        refuse(resigned(SIGNED, change))


@pytest.mark.parametrize(
    ("element", "algorithm"),
    [
        ("SignatureMethod", f"{DS}hmac-sha1"),
        ("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        ("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"),
        ("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"),
        ("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
        ("SignatureMethod", "HTTP://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
        ("SignatureMethod", ""),
        ("DigestMethod", f"{DS}sha1"),
        ("DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#md5"),
        ("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha512"),
        ("CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        ("CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
        ("CanonicalizationMethod", "urn:unknown"),
    ],
)
def test_t26_other_algorithms_are_refused(element: str, algorithm: str) -> None:
    """T26: the profile's alone; nothing is taken from the message but the confirmation of it."""
    refuse(
        resigned(SIGNED, lambda root: one(root, f".//ds:{element}").set("Algorithm", algorithm)),
        f"the algorithm of {element}",
    )


def test_t26_parameters_of_an_algorithm_are_refused() -> None:
    """T26: HMACOutputLength, InclusiveNamespaces and XPath would change what is computed."""
    for element, parameter in (
        ("SignatureMethod", ds("HMACOutputLength")),
        ("CanonicalizationMethod", "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"),
        ("Transform", ds("XPath")),
        ("DigestMethod", "x"),
    ):
        change = _append(element, parameter)
        refuse(resigned(SIGNED, change), f"{element} has parameters")


def _append(element: str, parameter: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        etree.SubElement(one(root, f".//ds:{element}"), parameter)

    return change


def test_t26_a_key_of_another_curve_proves_nothing() -> None:
    """T26, T38: the algorithm goes with the type of key."""
    other = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(NotAuthenticated, match="signature value wrong"):
        check(SIGNED, other.public_key())


def test_the_digest_is_over_inclusive_c14n() -> None:
    """Facts section 4: a digest over exclusive C14N, as other tools make by default, does not fit."""

    def exclusive(root: etree._Element) -> None:
        bare = etree.fromstring(UNSIGNED)
        assert canonical(bare, exclusive=True) != canonical(bare)
        digest = hashlib.sha256(canonical(bare, exclusive=True)).digest()
        one(root, ".//ds:DigestValue").text = base64.b64encode(digest).decode()

    refuse(resigned(SIGNED, exclusive), "^digest differs")


@pytest.mark.parametrize("namespace", ["relative", "../x", "x/y"])
def test_t24_what_cannot_be_canonicalised_is_refused(namespace: str) -> None:
    """T24, CVE-2025-66568: a relative namespace URI; an empty result never counts as the content."""
    refuse(SIGNED.replace(b"urn:unused", namespace.encode()), "cannot be canonicalised")
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()

    def digest_of_nothing(root: etree._Element) -> None:
        one(root, ".//ds:DigestValue").text = empty

    document = resigned(SIGNED, digest_of_nothing).replace(b"urn:unused", namespace.encode())
    refuse(document, "cannot be canonicalised")


_PARTS = (".", "SignedInfo", "SignedInfo/ds:CanonicalizationMethod", "SignedInfo/ds:SignatureMethod",
          "SignedInfo/ds:Reference", "SignedInfo/ds:Reference/ds:Transforms",
          "SignedInfo/ds:Reference/ds:Transforms/ds:Transform", "SignedInfo/ds:Reference/ds:DigestMethod",
          "SignedInfo/ds:Reference/ds:DigestValue", "SignatureValue", "KeyInfo", "KeyInfo/ds:X509Data",
          "KeyInfo/ds:X509Data/ds:X509IssuerSerial", "KeyInfo/ds:X509Data/ds:X509IssuerSerial/ds:X509IssuerName",
          "KeyInfo/ds:X509Data/ds:X509IssuerSerial/ds:X509SerialNumber")  # fmt: skip
"""Every element of a signature, below the Signature."""


def part(root: etree._Element, path: str) -> etree._Element:
    return one(root, f"ds:Signature/ds:{path}" if path != "." else "ds:Signature")


@pytest.mark.parametrize("path", _PARTS)
@pytest.mark.parametrize("name", ["Id", "x"])
def test_t23_an_attribute_that_the_profile_does_not_have_is_refused(path: str, name: str) -> None:
    """T23: on any element, under a good SignatureValue: an Id is how something else would be referred to."""
    refuse(resigned(SIGNED, lambda root: part(root, path).set(name, "y")))


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u0085", "\u2028"])
@pytest.mark.parametrize("path", _PARTS)
def test_t29_white_space_is_xmls_own(path: str, space: str) -> None:
    """T29: what Python calls white space, and XML does not, is content: in front of what an element holds."""

    def write(root: etree._Element) -> None:
        element = part(root, path)
        element.text = space + (element.text or "")

    bent = tree()
    write(bent)
    # What SignedInfo holds is what the value is over; the rest is not signed.
    spaced = resigned(SIGNED, write) if path.startswith("SignedInfo") else etree.tostring(bent)
    if path.endswith("X509IssuerName"):  # there it is a part of the name, which nobody has
        assert check(spaced).signer.issuer == space + KEY.issuer
        return
    refuse(spaced)
