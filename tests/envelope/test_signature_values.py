"""The values of a signature: octets, base64, serials, and what they are over (threats T27 to T32)."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.signature import SignerReference, verify
from duis_gateway.errors import NotAuthenticated, NotSafeXml
from duis_gateway.namespaces import DS, SR, ds
from tests.support.signing import (
    KEY,
    SIGNED,
    UNSIGNED,
    check,
    forged,
    one,
    refuse,
    resigned,
    signature_of,
    tree,
)

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group of P-256


def value_of(document: bytes = SIGNED) -> bytes:
    return base64.b64decode(one(tree(document), ".//ds:SignatureValue").text or "")


def with_value(value: bytes | str) -> bytes:
    text = value if isinstance(value, str) else base64.b64encode(value).decode()
    root = tree()
    one(root, ".//ds:SignatureValue").text = text
    return etree.tostring(root)


@pytest.mark.parametrize("length", [0, 1, 63, 65, 70, 72, 96, 128])
def test_t27_not_64_octets(length: int) -> None:
    """T27."""
    refuse(with_value((value_of() * 2)[:length]), f"has {length} octets, not 64")


def test_t27_der_is_refused() -> None:
    """T27: what the profile wants is r and s themselves."""
    der = encode_dss_signature(int.from_bytes(value_of()[:32], "big"), int.from_bytes(value_of()[32:], "big"))
    refuse(with_value(der), "octets, not 64")


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**256 - 1])
@pytest.mark.parametrize("second", [False, True])
def test_t27_r_and_s_out_of_range(number: int, second: bool) -> None:
    """T27: CVE-2022-21449 was r = s = 0."""
    octets, good = number.to_bytes(32, "big"), value_of()
    refuse(with_value(good[:32] + octets if second else octets + good[32:]), "signature value wrong")
    refuse(with_value(octets + octets), "signature value wrong")


def test_t28_the_twin_signature_has_the_same_identity() -> None:
    """T28: (r, n - s) verifies as well, so the identity is the digest of the content."""
    good = value_of()
    twin = good[:32] + (ORDER - int.from_bytes(good[32:], "big")).to_bytes(32, "big")
    assert check(with_value(twin)) == check(SIGNED)


@pytest.mark.parametrize("junk", ["!", "-", "_", ".", "\u00a0", "=", "A", "\u2028"])
@pytest.mark.parametrize("name", ["SignatureValue", "DigestValue"])
def test_t29_junk_in_base64_is_refused(junk: str, name: str) -> None:
    """T29: Python's decoder would pass over it."""

    def spoil(root: etree._Element) -> None:
        element = one(root, f".//ds:{name}")
        element.text = f"{(element.text or '')[:8]}{junk}{(element.text or '')[8:]}"

    root = tree()
    spoil(root)
    refuse(root)
    if name == "DigestValue":
        refuse(resigned(SIGNED, spoil))


@pytest.mark.parametrize("extra", ["X509Certificate", "X509SKI", "X509SubjectName", "X509IssuerSerial"])
def test_t30_more_in_x509data_is_refused(extra: str) -> None:
    """T30: KeyInfo is not signed; issuer and serial, and nothing that carries a key."""
    root = tree()
    etree.SubElement(one(root, ".//ds:X509Data"), ds(extra)).text = "x"
    refuse(root, "X509Data does not hold exactly X509IssuerSerial")


@pytest.mark.parametrize("extra", ["KeyValue", "KeyName", "RetrievalMethod", "X509Data"])
@pytest.mark.parametrize("first", [True, False])
def test_t30_more_in_keyinfo_is_refused(extra: str, first: bool) -> None:
    """T30."""
    root = tree()
    key_info = one(root, ".//ds:KeyInfo")
    key_info.insert(0 if first else len(key_info), etree.Element(ds(extra)))
    refuse(root, "KeyInfo does not hold exactly X509Data")


def test_t30_an_object_is_refused() -> None:
    """T30: ds:Object could carry a payload of its own."""
    root = tree()
    etree.SubElement(one(root, "ds:Signature"), ds("Object")).append(forged())
    refuse(root, "Signature does not hold exactly")


@pytest.mark.parametrize(
    "serial", ["", "-1", "+1", "0x10", "1.0", "1e3", "12 34", "\u0661", "1" * 50, "9" * 5000, "None"]
)
def test_t30_the_serial_is_a_decimal_number(serial: str) -> None:
    """T30: exact grammar, and no number of any length."""
    root = tree()
    one(root, ".//ds:X509SerialNumber").text = serial
    refuse(root, "X509SerialNumber")


@pytest.mark.parametrize("issuer", ["", "  ", "CN=" + "x" * 3000])
def test_t30_the_issuer_is_there_and_not_endless(issuer: str) -> None:
    root = tree()
    one(root, ".//ds:X509IssuerName").text = issuer
    refuse(root, "X509IssuerName")


def test_t30_the_longest_issuer_is_taken_and_asked_for() -> None:
    root = tree()
    longest = "CN=" + "x" * 2045
    one(root, ".//ds:X509IssuerName").text = longest
    assert check(etree.tostring(root)).signer == SignerReference(longest, KEY.serial)
    one(root, ".//ds:X509IssuerName").text = longest + "x"
    refuse(root, "X509IssuerName")


def test_t30_the_look_up_decides_and_its_refusal_is_the_answer() -> None:
    def unknown(reference: SignerReference) -> ec.EllipticCurvePublicKey:
        raise NotAuthenticated(f"the certificate is unknown: {reference.serial}")

    with pytest.raises(NotAuthenticated, match=f"unknown: {KEY.serial}"):
        verify(parse_document(SIGNED, ShapeLimits(), {}), unknown)


def test_t31_without_a_signature_nothing_is_proven() -> None:
    """T31."""
    refuse(UNSIGNED, "^no signature$")
    refuse(UNSIGNED.replace(b"</sr:Request>", b'<Signature xmlns="urn:x"/></sr:Request>'), "^no signature$")
    refuse(UNSIGNED.replace(b"</sr:Request>", f'<ds:Signature xmlns:ds="{DS}"/></sr:Request>'.encode()))
    refuse(f'<ds:Signature xmlns:ds="{DS}"/>'.encode(), "not the last element of the root")
    refuse(f'<r><ds:SignedInfo xmlns:ds="{DS}"/></r>'.encode(), "^no signature$")


def test_t31_a_signature_that_is_not_last_is_refused() -> None:
    """T31: the digest would fit, since the enveloped transform takes it out wherever it is."""
    block = signature_of(SIGNED)
    without = SIGNED.replace(block, b"")
    refuse(without.replace(b"<sr:Body>", block + b"<sr:Body>"), "not the last element of the root")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"<sr:Body>", b"\n<sr:Body>"), (b"1000<", b"1001<"), (b'"5.4"', b'"5.5"'), (b"urn:unused", b"urn:other"),
     (b"unused=", b"unusec="), (b"</sr:Request>", b" </sr:Request>"), (b"-90-A2<", b"-90-a2<"),
     (f'"{SR}"'.encode(), f'"{SR}/"'.encode())],
)  # fmt: skip
def test_t32_any_change_of_content_is_refused(old: bytes, new: bytes) -> None:
    """T32: also of white space, of a namespace that nothing uses, of its prefix."""
    assert old in SIGNED
    refuse(SIGNED.replace(old, new), "digest differs")


@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255))
def test_t32_a_changed_octet_is_refused_or_changes_nothing(position: int, octet: int) -> None:
    """T25, T32: whatever one octet becomes, either the content is proven to be the same, or it is refused."""
    spoiled = SIGNED[:position] + bytes([octet]) + SIGNED[position + 1 :]
    try:
        proven = check(spoiled)
    except (NotAuthenticated, NotSafeXml):
        return
    assert proven.content == UNSIGNED
