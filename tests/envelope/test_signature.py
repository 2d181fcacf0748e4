"""The signature profile: what verifies, and how the gateway signs."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.envelope import signature as module
from duis_gateway.envelope.parse import ShapeLimits, parse_document, parse_trusted
from duis_gateway.envelope.signature import SignerReference, SigningKey, sign, sign_canonical, verify
from duis_gateway.errors import NotAuthenticated, NotSafeXml
from duis_gateway.namespaces import DS, sr
from tests.support.signing import (
    KEY,
    PRIVATE_KEY,
    SIGNED,
    UNSIGNED,
    canonical,
    check,
    key_by_reference,
    one,
    resigned,
    signature_of,
    tree,
)


def test_a_signed_message_proves_its_content_and_names_its_signer() -> None:
    asked: list[SignerReference] = []
    proven = verify(parse_document(SIGNED, ShapeLimits(), {}), key_by_reference(asked))
    assert proven.content == UNSIGNED
    assert proven.digest == hashlib.sha256(UNSIGNED).digest()
    assert asked == [proven.signer] == [SignerReference("CN=Z1,OU=07", KEY.serial)]


def test_the_same_content_gets_the_same_signature() -> None:
    """RFC 6979: no random number is needed; the libcrypto of cryptography's wheels has it."""
    assert sign(UNSIGNED, KEY) == sign(UNSIGNED, KEY)


def test_the_tree_is_left_as_it_was() -> None:
    """Verification detaches the Signature in place, and puts it back where it stood, with what stood round it."""
    document = sign(UNSIGNED.replace(b"<sr:Body>", b"\n  <sr:Body>").replace(b"</sr:Request>", b"\n</sr:Request>"), KEY)
    document = document.replace(b"<ds:Signature ", b"<!-- before --> <ds:Signature ")
    root = parse_document(document, ShapeLimits(), {})
    before = etree.tostring(root)
    with pytest.raises(NotAuthenticated, match="digest differs"):
        verify(root, lambda _: PRIVATE_KEY.public_key())
    assert etree.tostring(root) == before


@pytest.mark.parametrize(("before", "after"), [(b"", b""), (b"\n  ", b""), (b"", b"\n"), (b"\n  ", b"\n")])
def test_what_stands_about_a_signature_alone_is_content_and_stays(before: bytes, after: bytes) -> None:
    """The root has no other element: what stands about the Signature is the root's own text."""
    signed = sign(b"<r>" + before + after + b"</r>", KEY)
    signature = signed[signed.index(b"<ds:") : signed.index(b"</r>")]
    root = parse_document(b"<r>" + before + signature + after + b"</r>", ShapeLimits(), {})
    as_it_was = etree.tostring(root)
    assert verify(root, lambda _: PRIVATE_KEY.public_key()).content == b"<r>" + before + after + b"</r>"
    assert etree.tostring(root) == as_it_was


@pytest.mark.parametrize(
    ("before", "after"), [(b"", b""), (b"\n  ", b""), (b"", b"\n"), (b"\n  ", b"\n"), (b"<!--x-->\n", b"\n<!--y-->")]
)
def test_white_space_about_the_signature_is_content(before: bytes, after: bytes) -> None:
    """T32: it is proven like all content, wherever the Signature stands in it; what is proven has no comments."""
    end = b"</sr:Request>"
    content = canonical(etree.fromstring(UNSIGNED.replace(end, before + after + end)))
    block = signature_of(sign(content, KEY))
    assert check(UNSIGNED.replace(end, before + block + after + end)).content == content


def test_a_root_that_holds_text_alone_can_be_signed() -> None:
    signed = sign(b"<a>text</a>", KEY)
    assert check(signed).content == b"<a>text</a>"
    assert check(signed.replace(b"<a>text", b"<a>te").replace(b"</a>", b"xt</a>")).content == b"<a>text</a>"


def test_comments_in_content_and_directly_in_the_signature_are_allowed_and_gone() -> None:
    """T21: what is read is re-parsed from the proven bytes, so a comment cannot split a value."""
    document = SIGNED.replace(b"00-DB-12-34", b"00-DB<!-- x -->-12-34").replace(
        b"<ds:SignedInfo>", b"<!-- as in published samples --><ds:SignedInfo>"
    )
    content = parse_trusted(check(document).content)
    assert one(content, ".//sr:DeviceID").text == "00-DB-12-34-56-78-90-A2"


@pytest.mark.parametrize("before", [b"", b"<!-- before -->\n"])
@pytest.mark.parametrize("after", [b"", b"\n<!-- after -->"])
def test_comments_beside_the_root_are_no_content_whatever_the_namespaces(before: bytes, after: bytes) -> None:
    """Of a default namespace, what was signed was `xmlns=""` on the elements below the root's children (lxml)."""
    plain = b'<Message xmlns="urn:x"><Header><MessageID a="1">1</MessageID></Header><b xmlns=""><c/></b></Message>'
    content = b'<Message xmlns="urn:x"><Header><MessageID a="1">1</MessageID></Header><b xmlns=""><c></c></b></Message>'
    signed = sign(before + plain + after, KEY)
    assert check(signed).content == content
    assert check(before + signed + after).content == content


@pytest.mark.parametrize("breaks", ["&#13;\n", "\n", " \t\r\n ", "&#xD;&#xA;"])
def test_white_space_in_base64_is_allowed(breaks: str) -> None:
    """Java breaks SignatureValue after 76 characters, with a carriage return."""
    text = one(tree(), ".//ds:SignatureValue").text or ""
    broken = f"{breaks}{text[:76]}{breaks}{text[76:]}{breaks}"
    assert check(SIGNED.replace(text.encode(), broken.encode())).content == UNSIGNED


def test_the_signature_may_use_any_prefix() -> None:
    """The prefix is part of what is signed, so the signature is made anew: SignedInfo with a default namespace."""
    block = signature_of(SIGNED)
    plain = block.replace(b"<ds:", b"<").replace(b"</ds:", b"</").replace(b"xmlns:ds", b"xmlns")
    assert check(resigned(SIGNED.replace(block, plain), lambda _: None)).content == UNSIGNED


def test_resigning_alone_changes_nothing() -> None:
    """The helper of the tests below makes good signatures."""
    assert check(resigned(SIGNED, lambda _: None)).content == UNSIGNED


def test_signed_info_is_canonical_by_construction() -> None:
    """Rendered from a template, it is byte for byte its own exclusive C14N, inside a document that is canonical too."""
    root = parse_trusted(SIGNED)
    signed_info = canonical(one(root, "ds:Signature/ds:SignedInfo"), exclusive=True)
    digest = base64.b64encode(hashlib.sha256(UNSIGNED).digest())
    assert signed_info == b"".join(
        (module._SIGNED_INFO_TAG, module._SIGNED_INFO_HEAD, digest, module._SIGNED_INFO_TAIL)
    )
    assert canonical(root) == SIGNED


def test_what_is_emitted_has_no_white_space_between_elements() -> None:
    """DCC's own tool drops white space between elements before digesting."""
    for element in tree().iter():
        assert element.tail is None
        if len(element):
            assert element.text is None


def test_sign_puts_the_canonical_form_of_the_document_before_its_end_tag() -> None:
    untidy = b"<?xml version='1.0'?>\n<!-- x --><r  b='2'  a=\"1\"><!-- y --><x/>\r\n<y>&#13;</y></r>\n"
    signed = sign(untidy, KEY)
    assert signed.startswith(b'<r a="1" b="2"><x></x>\n<y>&#xD;</y><ds:Signature ')
    assert check(signed).content == b'<r a="1" b="2"><x></x>\n<y>&#xD;</y></r>'


def test_sign_replaces_a_signature() -> None:
    other = SigningKey(ec.generate_private_key(ec.SECP256R1()), "CN=Z2,OU=07", 7)
    again = sign(sign(UNSIGNED, other), KEY)
    assert again.count(b"<ds:Signature ") == 1
    assert check(again).signer == SignerReference(KEY.issuer, KEY.serial)
    indented = b'<r>\n  <a/>\n  <ds:Signature xmlns:ds="%s">placeholder</ds:Signature>\n</r>' % DS.encode()
    assert check(sign(indented, KEY)).content == b"<r>\n  <a></a>\n  \n</r>"


@pytest.mark.parametrize(
    "document", [b"", b"<a>", b"<!DOCTYPE a><a/>", b"<?x y?><a/>", b'<a xmlns:b="relative"/>', b"<a/>x"]
)
def test_what_cannot_be_signed_is_refused(document: bytes) -> None:
    """T24 on the way out: nothing is signed in place of what cannot be canonicalised."""
    with pytest.raises(NotSafeXml):
        sign(document, KEY)


@given(issuer=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30),
       serial=st.integers(1, 2**159))  # fmt: skip
def test_issuer_and_serial_arrive_as_they_are(issuer: str, serial: int) -> None:
    issuer = f"CN={issuer}|"  # white space about the name is not part of it
    if "\ufffe" in issuer or "\uffff" in issuer:
        return
    signed = sign_canonical(b"<a></a>", SigningKey(PRIVATE_KEY, issuer, serial))
    assert check(signed).signer == SignerReference(issuer, serial)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=50))
def test_any_document_that_can_be_written_is_signed_and_proven(text: str) -> None:
    root = etree.Element(sr("Request"), {"a": text.replace("\ufffe", "").replace("\uffff", "")})
    root.text = root.get("a")
    signed = sign(etree.tostring(root, encoding="utf-8"), KEY)
    assert check(signed).content == canonical(root)
    assert sign_canonical(canonical(root), KEY).startswith(canonical(root)[: -len("</ns0:Request>")])
