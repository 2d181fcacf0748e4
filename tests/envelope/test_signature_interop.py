"""Second opinions: signxml, libxmlsec and the JDK sign what we verify, and verify what we sign.

On documents that declare a prefix and do not use it, which is where inclusive and exclusive C14N differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.exceptions import InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.signature import SignerReference, SigningKey, sign, verify
from duis_gateway.errors import NotAuthenticated
from duis_gateway.namespaces import DS, SR, ds
from duis_gateway.pki.certificates import read_certificate
from duis_gateway.pki.names import name_key
from tests.support import independent
from tests.support.signing import KEY, NS, PRIVATE_KEY, SIGNED, UNSIGNED, canonical, check

xmlsec: Any = import_module("xmlsec")  # its type stubs are not those of the module

VECTORS = Path(__file__).parent.parent / "vectors"
PEM = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC_PEM = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DOCUMENTS = {
    "unused prefix": UNSIGNED,
    "default namespace": f'<Request xmlns="{SR}" xmlns:u="urn:u"><Header/><Body a="1">x</Body></Request>'.encode(),
    "ds declared on the root": f'<r xmlns:ds="{DS}" xmlns:u="urn:u"><a>x</a></r>'.encode(),
    "no namespace": b"<r><a>x</a></r>",
    "prefix redeclared": b'<p:r xmlns:p="urn:1"><p:a xmlns:p="urn:2" xmlns="urn:3"><b xmlns=""/></p:a></p:r>',
    "indented": b'<r xmlns:u="urn:u">\n  <a>x</a>\n</r>',
    "characters": "<r xmlns:u='urn:u' a='&lt;&quot;&#9;&#10;é'>&amp;&gt;\r\n&#13;☃<![CDATA[<x>]]></r>".encode(),
}


def key_info() -> etree._Element:
    """Return the profile's KeyInfo, as another implementation would be given it."""
    info = etree.Element(ds("KeyInfo"), nsmap={"ds": DS})
    pair = etree.SubElement(etree.SubElement(info, ds("X509Data")), ds("X509IssuerSerial"))
    etree.SubElement(pair, ds("X509IssuerName")).text = KEY.issuer
    etree.SubElement(pair, ds("X509SerialNumber")).text = str(KEY.serial)
    return info


class DuisSigner(XMLSigner):
    """signxml's signer, which digests over SignedInfo's C14N by default, with DUIS's inclusive digest."""

    def __init__(self) -> None:
        super().__init__(
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )

    def _unpack(self, *given: Any) -> tuple[Any, ...]:
        *rest, references = super()._unpack(*given)
        inclusive = CanonicalizationMethod.CANONICAL_XML_1_0
        return *rest, [replace(reference, c14n_method=inclusive) for reference in references]


def sign_by_signxml(document: bytes) -> bytes:
    root = DuisSigner().sign(
        etree.fromstring(document), key=PEM, key_info=key_info(), exclude_c14n_transform_element=True
    )
    return etree.tostring(root)


def sign_by_xmlsec(document: bytes) -> bytes:
    root = etree.fromstring(document)
    template = xmlsec.template.create(root, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.ECDSA_SHA256, ns="ds")
    root.append(template)
    reference = xmlsec.template.add_reference(template, xmlsec.Transform.SHA256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(PEM, xmlsec.KeyFormat.PEM)
    context.sign(template)
    template.append(key_info())
    return etree.tostring(root)


def verify_by_signxml(document: bytes) -> bytes:
    """Return what signxml says is signed."""
    configuration = SignatureConfiguration(
        location="./",
        signature_methods=frozenset({SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    result = XMLVerifier().verify(document, x509_cert=CERTIFICATE, expect_config=configuration)
    assert isinstance(result, VerifyResult)
    return result.signed_data


def verify_by_xmlsec(document: bytes) -> None:
    root = etree.fromstring(document)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(PUBLIC_PEM, xmlsec.KeyFormat.PEM)
    context.verify(root.find("ds:Signature", NS))


def _certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, PRIVATE_KEY.public_key(), KEY.serial, now, now + timedelta(days=1))
    return builder.sign(PRIVATE_KEY, SHA256())


CERTIFICATE = _certificate()


@pytest.mark.parametrize("other", [sign_by_signxml, sign_by_xmlsec], ids=["signxml", "xmlsec"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_others_sign_verifies(name: str, other: Callable[[bytes], bytes]) -> None:
    document = DOCUMENTS[name]
    proven = check(other(document))
    assert proven.content == canonical(etree.fromstring(document))
    assert proven.signer == SignerReference(KEY.issuer, KEY.serial)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_we_sign_verifies_elsewhere(name: str) -> None:
    signed = sign(DOCUMENTS[name], KEY)
    verify_by_xmlsec(signed)
    assert verify_by_signxml(signed) == check(signed).content


@pytest.mark.parametrize(("old", "new"), [(b"90-A2", b"90-A3"), (b"urn:unused", b"urn:other")])
def test_the_second_opinions_refuse_what_we_refuse(old: bytes, new: bytes) -> None:
    """T32: these are verifiers too, and the change of a namespace that nothing uses is seen by them as well."""
    spoiled = SIGNED.replace(old, new)
    assert spoiled != SIGNED
    with pytest.raises(NotAuthenticated):
        check(spoiled)
    with pytest.raises(xmlsec.Error):
        verify_by_xmlsec(spoiled)
    with pytest.raises(InvalidSignature):
        verify_by_signxml(spoiled)


def test_a_signer_left_at_its_defaults_is_told_apart() -> None:
    """signxml as it comes digests over exclusive C14N: not DUIS's profile."""
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = signer.sign(etree.fromstring(UNSIGNED), key=PEM, key_info=key_info(), exclude_c14n_transform_element=True)
    with pytest.raises(NotAuthenticated, match="digest differs"):
        check(etree.tostring(root))


def test_what_the_jdk_signed_verifies() -> None:
    """DCC's tool signs by the JDK: `&#13;` in SignatureValue, self-closing tags, a comment in the content."""
    document = (VECTORS / "java-signed.xml").read_bytes()
    certificate = read_certificate((VECTORS / "java-signer.pem").read_bytes())
    assert b"&#13;" in document
    proven = verify(parse_document(document, ShapeLimits(), {}), lambda _: certificate.public_key)
    assert proven.signer.serial == certificate.serial
    assert name_key(proven.signer.issuer) == certificate.issuer_key
    assert b"dropped by C14N" not in proven.content
    assert b"xmlns:unused" in proven.content
    spoiled = parse_document(document.replace(b"90-A2", b"90-A3"), ShapeLimits(), {})
    with pytest.raises(NotAuthenticated, match="digest differs"):
        verify(spoiled, lambda _: certificate.public_key)


@pytest.mark.skipif(
    "DUIS_PUBLISHED_REQUESTS" not in os.environ, reason="DUIS_PUBLISHED_REQUESTS names no folder of published requests"
)
def test_published_requests_have_the_profiles_shape_and_can_be_signed_anew() -> None:
    """Their signatures are placeholders; everything about their structure but the lengths is the profile's."""
    requests = sorted(Path(os.environ["DUIS_PUBLISHED_REQUESTS"]).glob("*.XML"))
    assert requests
    for request in requests:
        document = request.read_bytes()
        with pytest.raises(NotAuthenticated, match="octets"):
            check(document)
        signed = sign(document, KEY)
        verify_by_xmlsec(signed)
        assert check(signed).content == verify_by_signxml(signed)


def test_a_key_signs_for_the_issuer_it_is_given() -> None:
    """The name is printed as it is, whatever characters it has."""
    key = SigningKey(PRIVATE_KEY, 'CN=A\\, B & <C> "é",OU=07', 2**127 + 1)
    signed = sign(UNSIGNED, key)
    verify_by_xmlsec(signed)
    assert check(signed).signer == SignerReference(key.issuer, key.serial)


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_the_tests_own_implementation_signs_is_verified(document: bytes) -> None:
    signer = independent.Identity("", PRIVATE_KEY, KEY.issuer, KEY.serial)
    assert check(independent.sign(document, signer)).content == canonical(etree.fromstring(document))
