"""Other implementations' word on a signature in DUIS's profile: signxml's and libxmlsec's."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

xmlsec: Any = import_module("xmlsec")  # its type stubs are not those of the module

_PROFILE = SignatureConfiguration(
    location="./",
    signature_methods=frozenset({SignatureMethod.ECDSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
)
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def proven_by_signxml(document: bytes, certificate: x509.Certificate) -> bytes:
    """Return what signxml says this certificate's owner signed; it raises where that is nothing."""
    result = XMLVerifier().verify(document, x509_cert=certificate, expect_config=_PROFILE)
    assert isinstance(result, VerifyResult)
    return result.signed_data


def check_by_xmlsec(document: bytes, certificate: x509.Certificate) -> None:
    """Let libxmlsec verify the signature with the certificate's key; it raises where it does not hold."""
    pem = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM)
    context.verify(etree.fromstring(document).find(_SIGNATURE))
