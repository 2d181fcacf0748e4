"""Which revocation lists are relied on: signed by the issuer's own CA, soundly, and nothing in them not understood."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA224, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.make import Authority
from tests.support.trust import EARLY, LATE, NOW, Installation, accepted, refuse

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
UNREADABLE = x509.UnrecognizedExtension(ExtensionOID.ISSUING_DISTRIBUTION_POINT, b"\x05\x01x")
_numbers = count(1)


def point(
    *, indirect: bool = False, reasons: frozenset[x509.ReasonFlags] | None = None
) -> x509.IssuingDistributionPoint:
    where = [x509.UniformResourceIdentifier("http://crl.example/1")]
    return x509.IssuingDistributionPoint(where, None, False, False, reasons, indirect, False)


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def publish(
    place: Installation,
    authority: Authority,
    *extensions: tuple[x509.ExtensionType, bool],
    key: ec.EllipticCurvePrivateKey | None = None,
    digest: SHA224 | SHA256 | SHA384 | SHA512 | None = None,
    issuer: x509.Name | None = None,
) -> None:
    """Put a list among the installation's, of any shape, as another program may have made it."""
    builder = x509.CertificateRevocationListBuilder(issuer or authority.certificate.subject, EARLY, LATE)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    signer = key or authority.private_key
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    made = builder.sign(signer, digest or SHA256()).public_bytes(Encoding.PEM)
    (place.folder / "crls" / f"{next(_numbers)}.crl").write_bytes(made)


def of_an_issuer(place: Installation) -> tuple[Authority, Certificate]:
    authority = place.authority()
    return authority, place.issue(authority)


@pytest.mark.parametrize(
    ("extension", "critical", "good"),
    [
        (x509.CRLNumber(1), False, True),
        (point(), True, True),
        (point(indirect=True), True, False),
        (point(indirect=True), False, False),
        (point(reasons=frozenset({x509.ReasonFlags.key_compromise})), True, False),
        (x509.DeltaCRLIndicator(1), True, False),
        (UNKNOWN, True, False),
        (UNREADABLE, False, False),
        (UNKNOWN, False, True),
    ],
    ids=[
        "numbered",
        "whole",
        "indirect",
        "indirect, not critical",
        "some reasons",
        "delta",
        "unknown",
        "unreadable",
        "passed over",
    ],
)
def test_t34_a_list_with_something_critical_that_is_not_understood_is_not_relied_on(
    place: Installation, extension: x509.ExtensionType, critical: bool, good: bool
) -> None:
    """T34: it may not say of everybody whether he is revoked."""
    authority, mine = of_an_issuer(place)
    publish(place, authority, (extension, critical))
    if good:
        assert accepted(place.trust(), mine)
    else:
        refuse(place.trust(), mine, "not signed by a known CA")


@pytest.mark.parametrize(("digest", "good"), [(SHA224(), False), (SHA256(), True), (SHA384(), True), (SHA512(), True)])
def test_t38_a_list_is_signed_with_sha_256_or_more(
    place: Installation, digest: SHA224 | SHA256 | SHA384 | SHA512, good: bool
) -> None:
    """T38."""
    authority, mine = of_an_issuer(place)
    publish(place, authority, digest=digest)
    if good:
        assert accepted(place.trust(), mine)
    else:
        refuse(place.trust(), mine, "not signed by a known CA")


def test_t34_a_list_by_another_key_is_not_relied_on(place: Installation) -> None:
    """T34: the issuer's name, and a key that is nobody's."""
    authority, mine = of_an_issuer(place)
    publish(place, authority, key=ec.generate_private_key(ec.SECP256R1()))
    refuse(place.trust(), mine, "not signed by a known CA")


def test_t34_a_list_by_another_ca_of_ours_is_not_relied_on(place: Installation) -> None:
    """T34: a known CA, but not the one in whose name it is."""
    authority, mine = of_an_issuer(place)
    other = place.authority("Z2")
    publish(place, other, issuer=authority.certificate.subject)
    refuse(place.trust(), mine, "not signed by a known CA")


@pytest.mark.parametrize("usage", ["no CRLs", "none"])
def test_t34_a_ca_that_may_not_sign_lists_signs_none(place: Installation, usage: str) -> None:
    """T34: its certificate lacks cRLSign, or says nothing of what its key is for."""
    authority, mine = of_an_issuer(place)
    certificate, key = authority.certificate, authority.private_key
    builder = x509.CertificateBuilder(
        certificate.subject, certificate.subject, certificate.public_key(), 7, EARLY, LATE
    ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if usage != "none":
        only_certificates = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
        builder = builder.add_extension(only_certificates, critical=True)
    place.anchor(builder.sign(key, SHA256()), "Z1")  # in the place of the one that may
    trusted = place.register(mine.x509, trusted_directly=True)
    assert accepted(place.trust(), trusted)
    publish(place, authority)
    refuse(place.trust(), trusted, "not signed by a known CA")


def test_lists_behind_one_that_cannot_be_read_count(place: Installation) -> None:
    """T34: a list whose issuer's name is none says nothing, and hides nothing."""
    authority, mine = of_an_issuer(place)
    odd = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x"), x509.NameAttribute(x509.NameOID.TITLE, "y")])
    publish(place, authority, issuer=odd)
    place.publish(authority, [mine.serial], "z.crl")
    refuse(place.trust(), mine, "^the certificate is revoked$")


def test_what_is_said_of_the_lists_names_their_issuer(place: Installation) -> None:
    """F28: and of several the one that is good for longest."""
    authority = place.authority()
    place.publish(authority, [], next_update=NOW + timedelta(days=1))
    place.publish(authority, [], "longer.crl", next_update=NOW + timedelta(days=2))
    [(key, found)] = place.trust().revocation_lists().items()
    assert {one.issuer for one in found} == {"CN=Z1,OU=07"}
    assert place.trust().unusable_lists(NOW) == {}
    [(same, said)] = place.trust().unusable_lists(NOW + timedelta(days=3)).items()
    assert same == key
    until = f"{NOW + timedelta(days=2):%Y-%m-%d %H:%M:%S} UTC"
    assert said == f"the revocation list of CN=Z1,OU=07 (good until {until}) is out of date"
